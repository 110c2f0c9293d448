#include "main/feature_gates.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys {
namespace {

constexpr std::string_view kTrue[] = {"true", "True", "TRUE", "t", "T", "1"};
constexpr std::string_view kFalse[] = {"false", "False", "FALSE", "f", "F", "0"};

ApiStatus wrong(std::string text) { return ApiStatus::bad_request(std::move(text)); }

// Of a whole stage: they are off until told otherwise.
bool is_group(std::string_view name) { return name == "AllAlpha" || name == "AllBeta"; }

Result<void> check_gate(std::string_view name, bool value) {
  std::string shown(value ? "true" : "false"), named(name);
  std::span<const FeatureGate> gates = feature_gates();
  auto gate = std::ranges::lower_bound(gates, name, {}, &FeatureGate::name);
  bool known = gate != gates.end() && gate->name == name;
  if (!known && !is_group(name)) return wrong("unrecognized feature gate: " + named);
  if (known && gate->on == value) return {};
  if (!known && !value) return {};
  if (known && gate->locked) {
    return wrong("cannot set feature gate " + named + " to " + shown + ", feature is locked to " +
                 (gate->on ? "true" : "false"));
  }
  return wrong("cannot set feature gate " + named + " to " + shown +
               ": tiphys has no such switch, only the default");
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

Result<void> ProfilingFlags::check() const {
  if (profiling) return wrong("--profiling=true: tiphys has no /debug/pprof");
  if (contention_profiling) return wrong("--contention-profiling=true: tiphys has no /debug/pprof");
  return {};
}

}  // namespace tiphys
