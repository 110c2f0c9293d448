#include "kinds/label_selector.h"

#include "base/strings.h"

namespace tiphys {

using Operator = LabelSelector::Operator;

Result<LabelSelector> to_selector(const meta_v1::LabelSelector& selector) {
  LabelSelector made;
  for (auto [key, value] : selector.match_labels()) {
    if (auto added = made.add({std::string(key), Operator::kEquals, {std::string(value)}});
        !added) {
      return added.error();
    }
  }
  for (meta_v1::LabelSelectorRequirement expression : selector.match_expressions()) {
    LabelSelector::Requirement requirement{std::string(expression.key()), Operator::kIn, {}};
    std::string_view op = expression.operator_();
    if (op == "NotIn") {
      requirement.op = Operator::kNotIn;
    } else if (op == "Exists") {
      requirement.op = Operator::kExists;
    } else if (op == "DoesNotExist") {
      requirement.op = Operator::kDoesNotExist;
    } else if (op != "In") {
      return ApiStatus::bad_request(go_quote(op) + " is not a valid label selector operator");
    }
    for (std::string_view value : expression.values()) requirement.values.emplace_back(value);
    if (auto added = made.add(std::move(requirement)); !added) return added.error();
  }
  return made;
}

Result<LabelSelector> to_selector(bool present, const meta_v1::LabelSelector& selector) {
  if (!present) return LabelSelector::nothing();
  return to_selector(selector);
}

}  // namespace tiphys
