#include "controllers/selector_text.h"

namespace tiphys::controllers {

namespace {

std::string requirement_text(const meta_v1::LabelSelectorRequirement& requirement) {
  std::string values;
  for (std::string_view value : requirement.values()) {
    if (!values.empty()) values += ' ';
    values += value;
  }
  return "LabelSelectorRequirement{Key:" + std::string(requirement.key()) +
         ",Operator:" + std::string(requirement.operator_()) + ",Values:[" + values + "],},";
}

}  // namespace

std::string selector_text(const meta_v1::LabelSelector& selector) {
  std::string text = "&LabelSelector{MatchLabels:map[string]string{";
  for (auto [key, value] : selector.match_labels()) {
    text += std::string(key) + ": " + std::string(value) + ",";
  }
  text += "},MatchExpressions:[]LabelSelectorRequirement{";
  for (meta_v1::LabelSelectorRequirement one : selector.match_expressions()) {
    text += requirement_text(one);
  }
  return text + "},}";
}

}  // namespace tiphys::controllers
