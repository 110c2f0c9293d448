#include "tests/control/model_metrics.h"

#include "base/strings.h"
#include "client/object_key.h"
#include "kinds/core_v1.h"
#include "object/quantity.h"

namespace tiphys::control {
namespace {

using std::string;
using Data = MapView<std::string_view>;

constexpr std::string_view kWindow = "15s";

// Of a group and of its version alike.
constexpr const char* kDocument =
    R"({"kind":"APIResourceList","versions":[{"version":"v1beta2"}],"resources":[]})";

const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }
const schema::Resource& config_maps() { return *schema::find_resource("", "v1", "configmaps"); }

client::Response json(string body) {
  client::Response response;
  response.body = std::move(body);
  return response;
}

string quoted(std::string_view text) { return "\"" + string(text) + "\""; }

ApiStatus no_metric(const string& name) {
  return ApiStatus::not_found("custom.metrics.k8s.io", "metrics", name);
}

string list_of(const std::vector<string>& items) {
  return "{\"items\":[" + join(items, ",") + "]}";
}

// What a container uses of a resource; "" for nothing known.
string usage_of(const Data& data, core_v1::Container container, const string& resource,
                size_t pods_there) {
  string own = resource + "." + string(container.name());
  if (data.contains(own)) return string(data.find(own));
  if (data.contains(resource)) return string(data.find(resource));
  if (!data.contains("total." + resource)) return "";
  int64_t total = Quantity::of(data.find("total." + resource)).milli_value();
  return Quantity::milli(total / static_cast<int64_t>(pods_there)).text();
}

string container_json(const Data& data, core_v1::Container container, size_t pods_there) {
  std::vector<string> usages;
  for (const string& resource : {string("cpu"), string("memory")}) {
    string usage = usage_of(data, container, resource, pods_there);
    if (!usage.empty()) usages.push_back(quoted(resource) + ":" + quoted(usage));
  }
  return "{\"name\":" + quoted(container.name()) + ",\"usage\":{" + join(usages, ",") + "}}";
}

string pod_json(const Data& data, core_v1::Pod pod, size_t pods_there, MicroTime now) {
  std::vector<string> containers;
  for (core_v1::Container one : pod.spec().containers()) {
    containers.push_back(container_json(data, one, pods_there));
  }
  return "{\"metadata\":{\"name\":" + quoted(pod.metadata().name()) +
         ",\"namespace\":" + quoted(pod.metadata().namespace_()) +
         "},\"timestamp\":" + quoted(format_rfc3339(now)) + ",\"window\":" + quoted(kWindow) +
         ",\"containers\":[" + join(containers, ",") + "]}";
}

string query_value(std::string_view query, std::string_view name) {
  for (std::string_view term : split(query, '&')) {
    size_t at = term.find('=');
    if (at != term.npos && term.substr(0, at) == name) {
      return percent_decode(term.substr(at + 1), true).value_or("");
    }
  }
  return {};
}

}  // namespace

// "/apis/custom.metrics.k8s.io[/v1beta2/namespaces/NS/...]"
std::optional<ModelMetrics::Asked> ModelMetrics::parse(const client::Request& request) {
  std::vector<std::string_view> parts = split(std::string_view(request.path).substr(1), '/');
  Asked asked;
  if (parts.size() < 2 || parts[0] != "apis") return std::nullopt;
  for (std::string_view api : {"metrics", "custom.metrics", "external.metrics"}) {
    if (parts[1] == string(api) + ".k8s.io") asked.api = api.substr(0, api.find('.'));
  }
  if (asked.api.empty()) return std::nullopt;
  if (parts.size() > 4) asked.ns = parts[4];
  for (size_t i = 5; i < parts.size(); ++i) {
    asked.parts.push_back(percent_decode(parts[i], false).value_or(""));
  }
  asked.selector = query_value(request.query, "labelSelector");
  return asked;
}

Task<Result<std::vector<ObjectPtr>>> ModelMetrics::running_pods(string ns, string selector) {
  client::ListOptions options;
  options.label_selector = selector;
  Result<client::ListResult> all = co_await client_.list(pods(), ns, options);
  if (!all) co_return all.error();
  std::erase_if(all->items, [](const ObjectPtr& object) {
    core_v1::Pod pod(*object);
    return pod.status().phase() != "Running" || pod.metadata().has_deletion_timestamp() ||
           pod.metadata().annotations().find("model/cpu") == "none";
  });
  co_return std::move(all->items);
}

string ModelMetrics::sample(const string& about, const string& value) const {
  return "{\"describedObject\":{\"name\":" + quoted(about) +
         "},\"timestamp\":" + quoted(format_rfc3339(loop_.wall())) + ",\"value\":" + quoted(value) +
         "}";
}

Task<Result<client::Response>> ModelMetrics::answer(Asked asked) {
  if (asked.ns.empty()) co_return json(kDocument);
  Result<ObjectPtr> map = co_await client_.get(config_maps(), asked.ns, "model-metrics");
  if (!map) co_return json(list_of({}));
  Data data = core_v1::ConfigMap(**map).data();
  if (asked.parts.empty()) co_return no_metric("");
  const string& metric = asked.parts.back();
  std::vector<string> items;
  if (asked.api == "external") {
    for (std::string_view value : split(data.find("external." + metric), ' ')) {
      if (!value.empty()) items.push_back(sample(metric, string(value)));
    }
    co_return json(list_of(items));
  }
  bool of_pods = asked.api == "metrics" || asked.parts[0] == "pods";
  if (!of_pods) {
    string key = "object." + join(asked.parts, ".");
    if (!data.contains(key)) co_return no_metric(metric);
    co_return json(list_of({sample("", string(data.find(key)))}));
  }
  auto running = co_await running_pods(asked.ns, asked.selector);
  if (!running) co_return running.error();
  if (asked.api == "custom" && !data.contains(metric)) co_return no_metric(metric);
  for (const ObjectPtr& object : *running) {
    core_v1::Pod pod(*object);
    items.push_back(asked.api == "metrics"
                        ? pod_json(data, pod, running->size(), loop_.wall())
                        : sample(string(pod.metadata().name()), string(data.find(metric))));
  }
  co_return json(list_of(items));
}

Task<Result<client::Response>> ModelMetrics::send(client::Request request) {
  std::optional<Asked> asked = parse(request);
  if (!asked) return inner_.send(std::move(request));
  return answer(std::move(*asked));
}

}  // namespace tiphys::control
