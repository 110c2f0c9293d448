#include "scheduler/label_match.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::scheduler {
namespace {

using Operator = Requirement::Operator;

Operator parse_operator(std::string_view text) {
  if (text == "In") return Operator::kIn;
  if (text == "NotIn") return Operator::kNotIn;
  if (text == "Exists") return Operator::kExists;
  if (text == "DoesNotExist") return Operator::kDoesNotExist;
  if (text == "Gt") return Operator::kGt;
  if (text == "Lt") return Operator::kLt;
  return Operator::kNever;
}

template <class R>
Requirement make_requirement(const R& from) {
  Requirement made{std::string(from.key()), parse_operator(from.operator_()), {}};
  for (std::string_view value : from.values()) made.values.emplace_back(value);
  return made;
}

bool compares(std::string_view value, const Requirement& requirement) {
  if (requirement.values.size() != 1) return false;
  std::optional<int64_t> ours = parse_int(value);
  std::optional<int64_t> theirs = parse_int(requirement.values[0]);
  if (!ours || !theirs) return false;
  return requirement.op == Operator::kGt ? *ours > *theirs : *ours < *theirs;
}

}  // namespace

bool Requirement::matches(bool present, std::string_view value) const {
  auto listed = [&] { return std::find(values.begin(), values.end(), value) != values.end(); };
  switch (op) {
    case Operator::kIn:
      return present && listed();
    case Operator::kNotIn:
      return !present || !listed();
    case Operator::kExists:
      return present;
    case Operator::kDoesNotExist:
      return !present;
    case Operator::kGt:
    case Operator::kLt:
      return present && compares(value, *this);
    case Operator::kNever:
      return false;
  }
  return false;
}

bool LabelMatch::matches(const Labels& labels) const {
  return std::all_of(requirements.begin(), requirements.end(),
                     [&](const Requirement& r) { return r.matches(labels); });
}

std::string LabelMatch::text() const {
  std::string out;
  for (const Requirement& r : requirements) {
    out.append(r.key).append(1, '\1').append(1, static_cast<char>('0' + static_cast<int>(r.op)));
    for (const std::string& value : r.values) out.append(1, '\2').append(value);
    out.append(1, '\3');
  }
  return out;
}

std::optional<LabelMatch> from_label_selector(bool present,
                                              const meta_v1::LabelSelector& selector) {
  if (!present) return std::nullopt;
  LabelMatch match = from_map(selector.match_labels());
  for (meta_v1::LabelSelectorRequirement r : selector.match_expressions()) {
    match.requirements.push_back(make_requirement(r));
  }
  return match;
}

LabelMatch from_map(const Labels& labels) {
  LabelMatch match;
  for (auto [key, value] : labels) {
    match.requirements.push_back({std::string(key), Operator::kIn, {std::string(value)}});
  }
  return match;
}

bool NodeTerm::matches(const Labels& node_labels, std::string_view node_name) const {
  if (empty()) return false;  // an empty term selects nothing
  return labels.matches(node_labels) &&
         std::all_of(name_fields.begin(), name_fields.end(),
                     [&](const Requirement& r) { return r.matches(true, node_name); });
}

NodeTerm from_node_term(const core_v1::NodeSelectorTerm& term) {
  NodeTerm made;
  for (core_v1::NodeSelectorRequirement r : term.match_expressions()) {
    made.labels.requirements.push_back(make_requirement(r));
  }
  for (core_v1::NodeSelectorRequirement r : term.match_fields()) {
    Requirement field = make_requirement(r);
    if (field.key != "metadata.name") field.op = Operator::kNever;
    made.name_fields.push_back(std::move(field));
  }
  return made;
}

}  // namespace tiphys::scheduler
