#include "apiserver/validation/go_syntax.h"

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

std::string go_strings(const ListView<std::string_view>& list) {
  if (list.empty()) return "[]string(nil)";
  std::string out = "[]string{";
  for (size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ", ";
    out += go_quote(list[i]);
  }
  return out + "}";
}

std::string go_requirement(meta_v1::LabelSelectorRequirement requirement) {
  return "v1.LabelSelectorRequirement{Key:" + go_quote(requirement.key()) +
         ", Operator:" + go_quote(requirement.operator_()) +
         ", Values:" + go_strings(requirement.values()) + "}";
}

}  // namespace

std::string go_string_map(const MapView<std::string_view>& map) {
  if (map.size() == 0) return "map[string]string(nil)";
  std::string out = "map[string]string{";
  bool first = true;
  for (auto [key, value] : map) {
    if (!first) out += ", ";
    first = false;
    out += go_quote(key) + ":" + go_quote(value);
  }
  return out + "}";
}

std::string go_label_selector(meta_v1::LabelSelector selector) {
  std::string out = "v1.LabelSelector{MatchLabels:" + go_string_map(selector.match_labels()) +
                    ", MatchExpressions:";
  if (selector.match_expressions().empty()) {
    return out + "[]v1.LabelSelectorRequirement(nil)}";
  }
  out += "[]v1.LabelSelectorRequirement{";
  for (size_t i = 0; i < selector.match_expressions().size(); ++i) {
    if (i > 0) out += ", ";
    out += go_requirement(selector.match_expressions()[i]);
  }
  return out + "}}";
}

}  // namespace tiphys::apiserver
