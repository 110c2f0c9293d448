// Requirements on labels or fields: node selectors and label selectors in one shape, extracted
// once from the API object. Pure; thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinds/core_v1.h"
#include "kinds/meta_v1.h"

namespace tiphys::scheduler {

using Labels = MapView<std::string_view>;

struct Requirement {
  enum class Operator : uint8_t { kIn, kNotIn, kExists, kDoesNotExist, kGt, kLt, kNever };
  std::string key;
  Operator op = Operator::kNever;  // kNever: an operator that doesn't exist matches nothing
  std::vector<std::string> values;

  bool matches(const Labels& labels) const {
    return matches(labels.contains(key), labels.find(key));
  }
  bool matches(bool present, std::string_view value) const;
  bool operator==(const Requirement&) const = default;
};

// All requirements must hold; none: everything matches.
struct LabelMatch {
  std::vector<Requirement> requirements;
  bool matches(const Labels& labels) const;
  bool operator==(const LabelMatch&) const = default;
  // Canonical text: equal matches have equal texts.
  std::string text() const;
};

// A metav1.LabelSelector: absent matches nothing (nullopt), empty matches everything.
std::optional<LabelMatch> from_label_selector(bool present, const meta_v1::LabelSelector& selector);
LabelMatch from_map(const Labels& labels);

// One term of a node selector: matchExpressions on labels, matchFields on metadata.name.
struct NodeTerm {
  LabelMatch labels;
  std::vector<Requirement> name_fields;
  bool empty() const { return labels.requirements.empty() && name_fields.empty(); }
  bool matches(const Labels& node_labels, std::string_view node_name) const;
  bool operator==(const NodeTerm&) const = default;
};
NodeTerm from_node_term(const core_v1::NodeSelectorTerm& term);

}  // namespace tiphys::scheduler
