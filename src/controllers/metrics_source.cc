#include "controllers/metrics_source.h"

#include "base/strings.h"
#include "base/time_math.h"
#include "codec/codec.h"
#include "controllers/resource_mapper.h"
#include "object/quantity.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kCustomGroup = "custom.metrics.k8s.io";

// "unable to fetch metrics from resource metrics API: ..."
ApiStatus unable(std::string_view api, std::string_view why) {
  return ApiStatus::internal("unable to fetch metrics from " + std::string(api) +
                             " metrics API: " + std::string(why));
}

// What upstream's client makes of an answer that is no Status: an API that isn't served, or whose
// server is away.
std::string failure_text(const ApiStatus& error, std::string_view what) {
  bool bare = error.data().details.kind.empty();
  std::string about = " (get " + std::string(what) + ")";
  if (error.code() == 404 && bare) {
    return "the server could not find the requested resource" + about;
  }
  if (error.code() == 503 && bare) {
    return "the server is currently unable to handle the request" + about;
  }
  return error.message();
}

void add_selector(std::string& query, std::string_view name, std::string_view selector) {
  if (selector.empty()) return;
  if (!query.empty()) query += '&';
  query += std::string(name) + "=" + percent_encode(selector);
}

// A list's items; they live as long as the arena.
Result<std::span<const Value>> items_of(std::string_view json, Arena& arena) {
  TIPHYS_TRY(Value, list, codec::decode_json_any(json, arena));
  return list.as_node().find("items").as_node().items();
}

int64_t milli_of(const Value& quantity) {
  // A number without quotes is a quantity too.
  if (quantity.is_text()) return Quantity::of(quantity.as_text()).milli_value();
  return Quantity(quantity.as_int()).milli_value();
}

MicroTime time_of(const Node& item) {
  return parse_rfc3339(item.find("timestamp").as_text()).value_or(0);
}

// A sample without its value.
PodMetric pod_sample(const Node& item) {
  PodMetric metric;
  metric.timestamp = time_of(item);
  metric.window = parse_go_duration(item.find("window").as_text()).value_or(Duration::zero());
  return metric;
}

// A pod counts only if all its containers tell of the resource.
std::optional<PodMetric> pod_usage(const Node& item, std::string_view resource) {
  PodMetric metric = pod_sample(item);
  std::vector<int64_t> values;
  for (const Value& container : item.find("containers").as_node().items()) {
    const Value& usage = container.as_node().find("usage").as_node().find(resource);
    if (usage.is_null()) return std::nullopt;
    values.push_back(milli_of(usage));
  }
  if (values.empty()) return std::nullopt;
  metric.value = saturated_sum(values);
  return metric;
}

// Error: the pod has no such container.
Result<std::optional<PodMetric>> container_usage(const Node& item, std::string_view resource,
                                                 std::string_view container) {
  for (const Value& one : item.find("containers").as_node().items()) {
    if (one.as_node().find("name").as_text() != container) continue;
    const Value& usage = one.as_node().find("usage").as_node().find(resource);
    if (usage.is_null()) return std::optional<PodMetric>();
    PodMetric metric = pod_sample(item);
    metric.value = milli_of(usage);
    return std::optional(metric);
  }
  const Node& meta = item.find("metadata").as_node();
  return ApiStatus::internal("failed to get container metrics: container " +
                             std::string(container) + " not present in metrics for pod " +
                             std::string(meta.find("namespace").as_text()) + "/" +
                             std::string(meta.find("name").as_text()));
}

Result<PodMetrics> read_usage(std::string_view json, std::string_view resource,
                              std::string_view container) {
  Arena arena;
  auto items = items_of(json, arena);
  if (!items) return unable("resource", items.error().message());
  if (items->empty()) return ApiStatus::internal("no metrics returned from resource metrics API");
  PodMetrics metrics;
  for (const Value& value : *items) {
    const Node& item = value.as_node();
    std::optional<PodMetric> metric;
    if (container.empty()) {
      metric = pod_usage(item, resource);
    } else {
      TIPHYS_TRY(std::optional<PodMetric>, found, container_usage(item, resource, container));
      metric = found;
    }
    std::string name(item.find("metadata").as_node().find("name").as_text());
    if (metric) metrics[name] = *metric;
  }
  return metrics;
}

Result<PodMetrics> read_pods_metric(std::string_view json) {
  Arena arena;
  auto items = items_of(json, arena);
  if (!items) return unable("custom", items.error().message());
  if (items->empty()) return ApiStatus::internal("no metrics returned from custom metrics API");
  PodMetrics metrics;
  for (const Value& value : *items) {
    const Node& item = value.as_node();
    PodMetric metric;
    metric.timestamp = time_of(item);
    metric.value = milli_of(item.find("value"));
    // v1beta2 and v1beta1.
    for (std::string_view field : {"windowSeconds", "window"}) {
      const Value& seconds = item.find(field);
      if (!seconds.is_null()) metric.window = bounded_seconds(seconds.as_int());
    }
    metrics[std::string(item.find("describedObject").as_node().find("name").as_text())] = metric;
  }
  return metrics;
}

// The newest version of a group's that we know.
std::string known_version(std::string_view group_json) {
  Arena arena;
  auto group = codec::decode_json_any(group_json, arena);
  if (!group) return "";
  for (std::string_view known : {"v1beta2", "v1beta1"}) {
    for (const Value& version : group->as_node().find("versions").as_node().items()) {
      if (version.as_node().find("version").as_text() == known) return std::string(known);
    }
  }
  return "";
}

std::string qualified_name(const MappedResource& resource) {
  return resource.group.empty() ? resource.resource : resource.resource + "." + resource.group;
}

}  // namespace

Task<Result<PodMetrics>> ApiMetrics::resource_usage(std::string resource, std::string ns,
                                                    std::string selector, std::string container) {
  std::string path = "/apis/metrics.k8s.io/v1beta1/namespaces/" + percent_encode(ns) + "/pods";
  std::string query;
  add_selector(query, "labelSelector", selector);
  Result<std::string> json = co_await client_.get_json(path, query);
  if (!json) co_return unable("resource", failure_text(json.error(), "pods.metrics.k8s.io"));
  co_return read_usage(*json, resource, container);
}

// "/apis/custom.metrics.k8s.io/v1beta2/namespaces/NS/"
Task<Result<std::string>> ApiMetrics::custom_path(std::string ns) {
  std::string group = "/apis/" + std::string(kCustomGroup);
  Result<std::string> json = co_await client_.get_json(group);
  if (!json && json.error().is_not_found()) {
    co_return unable("custom",
                     "no custom metrics API (" + std::string(kCustomGroup) + ") registered");
  }
  if (!json) co_return unable("custom", json.error().message());
  std::string version = known_version(*json);
  if (version.empty()) co_return unable("custom", "no known available metric versions found");
  co_return group + "/" + version + "/namespaces/" + percent_encode(ns) + "/";
}

Task<Result<PodMetrics>> ApiMetrics::pods_metric(std::string metric, std::string ns,
                                                 std::string selector,
                                                 std::string metric_selector) {
  Result<std::string> path = co_await custom_path(ns);
  if (!path) co_return path.error();
  std::string query;
  add_selector(query, "labelSelector", selector);
  add_selector(query, "metricLabelSelector", metric_selector);
  Result<std::string> json =
      co_await client_.get_json(*path + "pods/*/" + percent_encode(metric), query);
  if (!json) {
    co_return unable("custom", failure_text(json.error(), "pods." + std::string(kCustomGroup)));
  }
  co_return read_pods_metric(*json);
}

Task<Result<int64_t>> ApiMetrics::object_metric(std::string metric, std::string ns,
                                                Described object, std::string metric_selector) {
  Result<std::string> path = co_await custom_path(ns);
  if (!path) co_return path.error();
  bool is_namespace = object.group.empty() && object.kind == "Namespace";
  std::string resource = "metrics";
  if (!is_namespace) {
    auto mapped = co_await map_kind(client_, object.group, object.kind);
    if (!mapped) {
      co_return unable("custom", "unable to map kind " + object.kind +
                                     " to resource: " + mapped.error().message());
    }
    resource = qualified_name(mapped->front());
    *path += percent_encode(resource) + "/" + percent_encode(object.name) + "/";
  } else {
    *path += "metrics/";
  }
  std::string query;
  add_selector(query, "metricLabelSelector", metric_selector);
  Result<std::string> json = co_await client_.get_json(*path + percent_encode(metric), query);
  if (!json) {
    co_return unable("custom",
                     failure_text(json.error(), resource + "." + std::string(kCustomGroup)));
  }
  Arena arena;
  auto items = items_of(*json, arena);
  if (!items) co_return unable("custom", items.error().message());
  if (items->size() != 1) {
    co_return unable("custom", "the custom metrics API server returned " +
                                   std::to_string(items->size()) +
                                   " results when we asked for exactly one");
  }
  co_return milli_of((*items)[0].as_node().find("value"));
}

Task<Result<std::vector<int64_t>>> ApiMetrics::external_metric(std::string metric, std::string ns,
                                                               std::string metric_selector) {
  std::string path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/" + percent_encode(ns) +
                     "/" + percent_encode(metric);
  std::string query;
  add_selector(query, "labelSelector", metric_selector);
  Result<std::string> json = co_await client_.get_json(path, query);
  if (!json) {
    co_return unable("external", failure_text(json.error(), metric + ".external.metrics.k8s.io"));
  }
  Arena arena;
  auto items = items_of(*json, arena);
  if (!items) co_return unable("external", items.error().message());
  if (items->empty()) {
    co_return ApiStatus::internal("no metrics returned from external metrics API");
  }
  std::vector<int64_t> values;
  for (const Value& item : *items) values.push_back(milli_of(item.as_node().find("value")));
  co_return values;
}

}  // namespace tiphys::controllers
