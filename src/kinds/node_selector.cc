#include "kinds/node_selector.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kinds {
namespace {

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
  std::optional<int64_t> want = values.size() == 1 ? parse_int(values[0]) : std::nullopt;
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

}  // namespace

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

}  // namespace tiphys::kinds
