#include "kubelet/pods/downward.h"

#include "base/strings.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

// "metadata.labels['a']" -> "a" for the prefix "metadata.labels".
std::optional<std::string_view> subscript(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.size() < 4 || !path.starts_with("['") || !path.ends_with("']")) return std::nullopt;
  return path.substr(2, path.size() - 4);
}

// One "key=\"value\"" line an entry, sorted by key.
std::string format_map(MapView<std::string_view> map) {
  std::string out;
  for (auto [key, value] : map) {
    if (!out.empty()) out += '\n';
    out += std::string(key) + "=" + go_quote(value);
  }
  return out;
}

std::string comma_list(const std::vector<std::string>& items) { return join(items, ","); }

std::string divide(const Quantity& amount, const Quantity& divisor, bool milli) {
  int64_t top = milli ? amount.milli_value() : amount.value();
  int64_t bottom = milli ? divisor.milli_value() : divisor.value();
  if (bottom <= 0) bottom = 1;
  return std::to_string(top / bottom + (top % bottom != 0 ? 1 : 0));
}

}  // namespace

Result<std::string> field_value(const DownwardContext& context, std::string_view path) {
  meta_v1::ObjectMeta meta = context.pod.metadata();
  auto first = [](const std::vector<std::string>& list) {
    return list.empty() ? std::string() : list[0];
  };
  if (path == "metadata.name") return std::string(meta.name());
  if (path == "metadata.namespace") return std::string(meta.namespace_());
  if (path == "metadata.uid") return std::string(meta.uid());
  if (path == "metadata.labels") return format_map(meta.labels());
  if (path == "metadata.annotations") return format_map(meta.annotations());
  if (auto key = subscript(path, "metadata.labels")) return std::string(meta.labels().find(*key));
  if (auto key = subscript(path, "metadata.annotations")) {
    return std::string(meta.annotations().find(*key));
  }
  if (path == "spec.nodeName") return std::string(context.pod.spec().node_name());
  if (path == "spec.serviceAccountName")
    return std::string(context.pod.spec().service_account_name());
  if (path == "status.hostIP") return first(context.host_ips);
  if (path == "status.hostIPs") return comma_list(context.host_ips);
  if (path == "status.podIP") return first(context.pod_ips);
  if (path == "status.podIPs") return comma_list(context.pod_ips);
  return ApiStatus::bad_request("unsupported fieldPath: " + std::string(path));
}

Result<std::string> resource_value(const DownwardContext& context, core_v1::Container container,
                                   std::string_view resource, std::string_view divisor) {
  size_t dot = resource.find('.');
  std::string_view kind = resource.substr(0, dot);
  std::string_view name = dot == std::string_view::npos ? "" : resource.substr(dot + 1);
  if ((kind != "limits" && kind != "requests") || name.empty()) {
    return ApiStatus::bad_request("Unsupported container resource : " + std::string(resource));
  }
  core_v1::ResourceRequirements r = container.resources();
  std::string_view text = kind == "limits" ? r.limits().find(name) : r.requests().find(name);
  auto node = context.allocatable.find(std::string(name));
  if (text.empty() && kind == "limits" && node != context.allocatable.end()) text = node->second;
  Quantity unit = divisor.empty() || divisor == "0" ? Quantity(1) : Quantity::of(divisor);
  return divide(Quantity::of(text), unit, name == "cpu");
}

core_v1::Container find_container(core_v1::PodSpec spec, std::string_view name) {
  std::optional<ContainerPlace> place = find_place(spec, name);
  return place ? container_at(spec, *place) : core_v1::Container();
}

}  // namespace tiphys::kubelet
