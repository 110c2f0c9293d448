#include "kubelet/pods/admission.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "object/quantity.h"

namespace tiphys::kubelet {
namespace {

using Amounts = std::map<std::string, int64_t>;

int64_t amount(std::string_view name, std::string_view quantity) {
  Quantity q = Quantity::of(quantity);
  return name == "cpu" ? q.milli_value() : q.value();
}

Amounts requests_of(core_v1::Container container) {
  Amounts out;
  core_v1::ResourceRequirements r = container.resources();
  for (auto [name, quantity] : r.limits()) out[std::string(name)] = amount(name, quantity);
  for (auto [name, quantity] : r.requests()) out[std::string(name)] = amount(name, quantity);
  return out;
}

void add(Amounts& to, const Amounts& from) {
  for (const auto& [name, value] : from) to[name] += value;
}

bool matches_expression(core_v1::NodeSelectorRequirement r, bool present, std::string_view value) {
  std::string_view op = r.operator_();
  auto values = r.values();
  bool listed =
      std::any_of(values.begin(), values.end(), [&](std::string_view v) { return v == value; });
  if (op == "In") return present && listed;
  if (op == "NotIn") return !present || !listed;
  if (op == "Exists") return present;
  if (op == "DoesNotExist") return !present;
  std::optional<int64_t> have = parse_int(value);
  std::optional<int64_t> want = values.empty() ? std::nullopt : parse_int(values[0]);
  if (!present || !have || !want) return false;
  return op == "Gt" ? *have > *want : op == "Lt" && *have < *want;
}

bool matches_term(core_v1::NodeSelectorTerm term, core_v1::Node node) {
  if (term.match_expressions().empty() && term.match_fields().empty()) return false;
  for (core_v1::NodeSelectorRequirement r : term.match_expressions()) {
    auto labels = node.metadata().labels();
    if (!matches_expression(r, labels.contains(r.key()), labels.find(r.key()))) return false;
  }
  for (core_v1::NodeSelectorRequirement r : term.match_fields()) {
    bool name = r.key() == "metadata.name";
    if (!matches_expression(r, name, node.metadata().name())) return false;
  }
  return true;
}

std::set<std::pair<int32_t, std::string>> host_ports(core_v1::PodSpec spec) {
  std::set<std::pair<int32_t, std::string>> out;
  for (core_v1::Container c : spec.containers()) {
    for (core_v1::ContainerPort port : c.ports()) {
      std::string protocol(port.protocol().empty() ? "TCP" : port.protocol());
      if (port.host_port() > 0) out.emplace(port.host_port(), protocol);
    }
  }
  return out;
}

}  // namespace

std::map<std::string, int64_t> pod_requests(core_v1::PodSpec spec) {
  Amounts out;
  for (core_v1::Container c : spec.containers()) add(out, requests_of(c));
  Amounts sidecars;
  Amounts init_peak;
  for (core_v1::Container c : spec.init_containers()) {
    Amounts one = requests_of(c);
    if (is_sidecar(c)) add(sidecars, one);
    Amounts at_once = is_sidecar(c) ? sidecars : one;
    if (!is_sidecar(c)) add(at_once, sidecars);
    for (const auto& [name, value] : at_once) init_peak[name] = std::max(init_peak[name], value);
  }
  add(out, sidecars);
  for (const auto& [name, value] : init_peak) out[name] = std::max(out[name], value);
  for (auto [name, quantity] : spec.overhead()) out[std::string(name)] += amount(name, quantity);
  return out;
}

bool matches_node(core_v1::PodSpec spec, core_v1::Node node) {
  for (auto [key, value] : spec.node_selector()) {
    auto labels = node.metadata().labels();
    if (!labels.contains(key) || labels.find(key) != value) return false;
  }
  core_v1::NodeAffinity affinity = spec.affinity().node_affinity();
  if (!affinity.has_required_during_scheduling_ignored_during_execution()) return true;
  for (core_v1::NodeSelectorTerm term :
       affinity.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
    if (matches_term(term, node)) return true;
  }
  return false;
}

std::optional<Why> admit_pod(const AdmissionInput& in, core_v1::Pod pod) {
  if (!matches_node(pod.spec(), in.node)) {
    return Why{"NodeAffinity",
               "Predicate NodeAffinity failed: node(s) didn't match Pod's node "
               "affinity/selector"};
  }
  auto count = static_cast<int64_t>(in.active.size());
  if (count >= in.max_pods) {
    return Why{"OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: " +
                                std::to_string(count) +
                                ", capacity: " + std::to_string(in.max_pods)};
  }
  Amounts used;
  auto ports = host_ports(pod.spec());
  for (core_v1::Pod other : in.active) {
    add(used, pod_requests(other.spec()));
    for (const auto& port : host_ports(other.spec())) {
      if (ports.contains(port)) {
        return Why{"NodePorts",
                   "Predicate NodePorts failed: node(s) didn't have free ports for the "
                   "requested pod ports"};
      }
    }
  }
  for (const auto& [name, wanted] : pod_requests(pod.spec())) {
    if (wanted == 0) continue;
    int64_t capacity = amount(name, in.node.status().allocatable().find(name));
    if (used[name] + wanted <= capacity) continue;
    return Why{"OutOf" + name, "Node didn't have enough resource: " + name +
                                   ", requested: " + std::to_string(wanted) +
                                   ", used: " + std::to_string(used[name]) +
                                   ", capacity: " + std::to_string(capacity)};
  }
  return std::nullopt;
}

}  // namespace tiphys::kubelet
