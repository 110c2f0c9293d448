// LabelSelector: the text form of label selectors (k8s.io/apimachinery/pkg/labels): "a=b,c!=d",
// "a in (x,y)", "!b", "n>5". Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/value.h"

namespace tiphys::apiserver {

class LabelSelector {
 public:
  // Error: BadRequest with upstream's parser wording.
  static Result<LabelSelector> parse(std::string_view text);
  bool empty() const { return requirements_.empty(); }
  // labels: a map node of string values.
  bool matches(const Node& labels) const;

 private:
  enum class Operator : uint8_t { kIn, kNotIn, kExists, kDoesNotExist, kGreater, kLess };
  struct Requirement {
    std::string key;
    Operator op = Operator::kIn;
    std::vector<std::string> values;
  };
  friend class LabelSelectorParser;
  static bool holds(const Requirement& requirement, const Node& labels);
  std::vector<Requirement> requirements_;
};

}  // namespace tiphys::apiserver
