// get and list of metrics.k8s.io: computed from nodes and pods and their usage.
// After metrics-server's pkg/api.
#include <algorithm>

#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/selection.h"
#include "apiserver/resource_metrics/metrics_collector.h"
#include "apiserver/resource_metrics/metrics_objects.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

struct MetricsKind {
  std::string_view resource;   // of both groups: "pods"
  std::string_view not_found;  // metrics-server's name of what it has no figures for
  ObjectPtr (*make)(const Object& of, const UsageStore& usage, MicroTime now);
};
constexpr MetricsKind kKinds[] = {{"nodes", "nodemetrics", node_metrics},
                                  {"pods", "podmetrics", pod_metrics}};

const MetricsKind& kind_of(const RequestContext& context) {
  return context.resource->resource == "nodes" ? kKinds[0] : kKinds[1];
}

Result<Answer> get_metrics(HandlerEnv& env, const RequestContext& context) {
  const MetricsKind& kind = kind_of(context);
  std::string ns(context.object_namespace());
  TIPHYS_TRY(
      ObjectPtr, of,
      env.registry->get(*schema::find_resource("", "v1", kind.resource), ns, context.info.name));
  ObjectPtr metrics = kind.make(*of, env.metrics->usage(), env.loop->wall());
  if (metrics) return Answer::of(std::move(metrics));
  std::string name = ns.empty() ? context.info.name : ns + "/" + context.info.name;
  return ApiStatus::not_found(context.resource->group, kind.not_found, name);
}

Result<Answer> list_metrics(HandlerEnv& env, const RequestContext& context) {
  TIPHYS_TRY(ListOptions, options, read_list_options(context, false));
  TIPHYS_TRY(Selection, selection,
             make_selection(*context.resource, options.label_selector, options.field_selector));
  const MetricsKind& kind = kind_of(context);
  ListAnswer list;
  list.resource = context.resource;
  std::string_view ns = context.object_namespace();
  for (const ObjectPtr& of : env.hub->lookup().list("", kind.resource, ns)) {
    ObjectPtr metrics = kind.make(*of, env.metrics->usage(), env.loop->wall());
    if (!metrics || (selection.predicate && !selection.predicate(*metrics))) continue;
    list.items.push_back(std::move(metrics));
  }
  std::ranges::sort(list.items, {}, [](const ObjectPtr& item) {
    return std::pair(namespace_of(*item), name_of(*item));
  });
  Answer answer;
  answer.list = std::move(list);
  return answer;
}

}  // namespace

bool is_resource_metrics(const schema::Resource& resource) {
  return resource.group == "metrics.k8s.io";
}

Task<Result<Answer>> handle_resource_metrics(HandlerEnv& env, RequestContext& context) {
  if (!env.connect || !env.metrics) {
    co_return ApiStatus::service_unavailable("no way to reach nodes and pods is set up");
  }
  co_await env.metrics->ask(context.gone);
  bool one = context.info.parts >= 2;
  co_return one ? get_metrics(env, context) : list_metrics(env, context);
}

}  // namespace tiphys::apiserver
