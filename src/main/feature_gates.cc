#include "main/feature_gates.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/feature_gates.h"

namespace tiphys {
namespace {

constexpr std::string_view kTrue[] = {"true", "True", "TRUE", "t", "T", "1"};
constexpr std::string_view kFalse[] = {"false", "False", "FALSE", "f", "F", "0"};

ApiStatus wrong(std::string text) { return ApiStatus::bad_request(std::move(text)); }

Result<void> check_gate(std::string_view name, bool value) {
  if (Result<void> checked = check_feature_gate(name, value); !checked) return checked;
  if (find_feature_gate(name)->on == value) return {};
  return wrong("cannot set feature gate " + std::string(name) + " to " +
               (value ? "true" : "false") + ": tiphys has no such switch, only the default");
}

Result<void> check_pair(std::string_view pair) {
  size_t equals = pair.find('=');
  std::string name(trim(pair.substr(0, equals)));
  if (equals == std::string_view::npos) return wrong("missing bool value for " + name);
  std::string_view text = trim(pair.substr(equals + 1));
  bool yes = std::ranges::find(kTrue, text) != std::end(kTrue);
  if (!yes && std::ranges::find(kFalse, text) == std::end(kFalse)) {
    return wrong("invalid value of " + name + "=" + std::string(text) +
                 ", err: strconv.ParseBool: parsing " + go_quote(text) + ": invalid syntax");
  }
  return check_gate(name, yes);
}

}  // namespace

Result<void> check_feature_gates(std::string_view text) {
  for (std::string_view pair : split(text, ',')) {
    if (trim(pair).empty()) continue;
    if (Result<void> checked = check_pair(pair); !checked) return checked;
  }
  return {};
}

Result<void> FeatureGateFlags::check() const {
  Result<void> checked = check_feature_gates(join(gates, ","));
  if (checked) return {};
  return wrong("invalid argument " + go_quote(join(gates, ",")) +
               " for \"--feature-gates\" flag: " + std::string(checked.error().message()));
}

}  // namespace tiphys
