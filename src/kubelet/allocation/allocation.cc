#include "kubelet/allocation/allocation.h"

#include "codec/codec.h"
#include "kinds/pods.h"
#include "kubelet/pods/container_status.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

using TextMap = std::map<std::string, std::string, std::less<>>;

TextMap texts_of(MapView<std::string_view> view) {
  TextMap out;
  for (auto [name, amount] : view) out.emplace(name, amount);
  return out;
}

bool same_texts(const TextMap& a, const TextMap& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, amount] : a) {
    auto other = b.find(name);
    if (other == b.end()) return false;
    if (!(Quantity::of(amount) == Quantity::of(other->second))) return false;
  }
  return true;
}

bool differs(core_v1::Container container, const Allocation& allocation) {
  auto found = allocation.find(container.name());
  return found != allocation.end() &&
         !same_amounts(found->second, amounts_of(container.resources()));
}

bool any_differs(ListView<core_v1::Container> containers, const Allocation& allocation) {
  for (core_v1::Container c : containers) {
    if (differs(c, allocation)) return true;
  }
  return false;
}

void write(ListEdit<core_v1::ContainerEdit> containers, const Allocation& allocation) {
  for (size_t i = 0; i < containers.size(); ++i) {
    if (!differs(containers[i].view(), allocation)) continue;
    const Amounts& amounts = allocation.find(containers[i].view().name())->second;
    core_v1::ResourceRequirementsEdit out = containers[i].edit_resources();
    out.clear_requests();
    out.clear_limits();
    for (const auto& [name, amount] : amounts.requests) out.edit_requests().set(name, amount);
    for (const auto& [name, amount] : amounts.limits) out.edit_limits().set(name, amount);
  }
}

void append_texts(std::string_view key, const TextMap& texts, std::string& out) {
  if (texts.empty()) return;
  if (out.back() != '{') out += ',';
  codec::append_json_string(key, out);
  out += ":{";
  for (const auto& [name, amount] : texts) {
    if (out.back() != '{') out += ',';
    codec::append_json_string(name, out);
    out += ':';
    codec::append_json_string(amount, out);
  }
  out += '}';
}

void append_list(std::string_view key, ListView<core_v1::Container> containers, bool sidecars,
                 std::string& out) {
  std::string items;
  for (core_v1::Container c : containers) {
    if (sidecars && !kinds::is_sidecar(c)) continue;
    items += items.empty() ? "{\"name\":" : ",{\"name\":";
    codec::append_json_string(c.name(), items);
    items += ",\"resources\":{";
    Amounts amounts = amounts_of(c.resources());
    append_texts("limits", amounts.limits, items);
    append_texts("requests", amounts.requests, items);
    items += "}}";
  }
  if (items.empty()) return;
  codec::append_json_string(key, out);
  out += ":[" + items + "],";
}

}  // namespace

Amounts amounts_of(core_v1::ResourceRequirements resources) {
  return {texts_of(resources.requests()), texts_of(resources.limits())};
}

bool same_amounts(const Amounts& a, const Amounts& b) {
  return same_texts(a.requests, b.requests) && same_texts(a.limits, b.limits);
}

bool same_allocation(const Allocation& a, const Allocation& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, amounts] : a) {
    auto other = b.find(name);
    if (other == b.end() || !same_amounts(amounts, other->second)) return false;
  }
  return true;
}

Allocation wanted_allocation(core_v1::PodSpec spec) {
  Allocation out;
  for (core_v1::Container c : spec.containers()) out.emplace(c.name(), amounts_of(c.resources()));
  for (core_v1::Container c : spec.init_containers()) {
    if (kinds::is_sidecar(c)) out.emplace(c.name(), amounts_of(c.resources()));
  }
  return out;
}

Allocation shown_allocation(core_v1::Pod pod) {
  Allocation out = wanted_allocation(pod.spec());
  for (auto& [name, amounts] : out) {
    core_v1::ContainerStatus one = find_status(pod.status().container_statuses(), name);
    if (one.name().empty()) one = find_status(pod.status().init_container_statuses(), name);
    if (one.has_resources()) amounts = amounts_of(one.resources());
    if (one.has_allocated_resources()) amounts.requests = texts_of(one.allocated_resources());
  }
  return out;
}

ObjectPtr with_allocation(const ObjectPtr& pod, const Allocation& allocation) {
  core_v1::PodSpec spec = core_v1::Pod(*pod).spec();
  bool main = any_differs(spec.containers(), allocation);
  bool init = any_differs(spec.init_containers(), allocation);
  if (!main && !init) return pod;
  Draft draft(*pod);
  core_v1::PodSpecEdit edit = core_v1::PodEdit(draft).edit_spec();
  if (main) write(edit.edit_containers(), allocation);
  if (init) write(edit.edit_init_containers(), allocation);
  return draft.freeze();
}

std::string resize_summary(core_v1::Pod pod, int64_t generation, std::string_view error) {
  std::string out = "{";
  append_list("initContainers", pod.spec().init_containers(), true, out);
  append_list("containers", pod.spec().containers(), false, out);
  out += "\"generation\":" + std::to_string(generation);
  if (!error.empty()) {
    out += ",\"error\":";
    codec::append_json_string(error, out);
  }
  return out + "}";
}

}  // namespace tiphys::kubelet
