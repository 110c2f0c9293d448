// Rules of scheduling.k8s.io that are no rows.
#include "apiserver/validation/rule_calls.h"
#include "kinds/scheduling_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kSystemPrefix = "system-";
constexpr int64_t kHighestUserDefinable = 1'000'000'000;

struct SystemClass {
  std::string_view name;
  int64_t value;
};

constexpr SystemClass kSystemClasses[] = {{"system-node-critical", 2'000'001'000},
                                          {"system-cluster-critical", 2'000'000'000}};

// What keeps a class with the system's prefix from being one of the system's; empty: nothing.
std::string system_class_problem(scheduling_v1::PriorityClass priority) {
  std::string name(priority.metadata().name());
  for (const SystemClass& known : kSystemClasses) {
    if (known.name != name) continue;
    if (known.value != priority.value()) {
      return "value of " + name + " PriorityClass must be " + std::to_string(known.value);
    }
    if (priority.global_default()) {
      return "globalDefault of " + name + " PriorityClass must be false";
    }
    return {};
  }
  return name + " is not a known system priority class";
}

}  // namespace

void call_priority_value(const RuleInput& input, FieldErrors& errors) {
  scheduling_v1::PriorityClass priority(input.scope.object);
  if (priority.metadata().name().starts_with(kSystemPrefix)) {
    std::string problem = system_class_problem(priority);
    if (problem.empty()) return;
    errors.forbidden(FieldPath("metadata").child("name"),
                     "priority class names with 'system-' prefix are reserved for system use "
                     "only. error: " +
                         problem);
  } else if (priority.value() > kHighestUserDefinable) {
    errors.forbidden(input.path, "maximum allowed value of a user defined priority is " +
                                     std::to_string(kHighestUserDefinable));
  }
}

}  // namespace tiphys::apiserver
