// What rows of workloads' statuses call.
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

int64_t status_number(const RuleInput& input, std::string_view name) {
  const Object& object = input.scope.object;
  return schema::find_path(object.type(), object.root(), {"status", name}).as_int();
}

}  // namespace

void call_within_status_replicas(const RuleInput& input, FieldErrors& errors) {
  if (input.value.as_int() <= status_number(input, "replicas")) return;
  errors.invalid(input.path, input.value.as_int(), "cannot be greater than status.replicas");
}

void call_within_ready_replicas(const RuleInput& input, FieldErrors& errors) {
  if (input.value.as_int() <= status_number(input, "readyReplicas")) return;
  errors.invalid(input.path, input.value.as_int(), "cannot be greater than readyReplicas");
}

void call_within_status_ready_replicas(const RuleInput& input, FieldErrors& errors) {
  if (input.value.as_int() <= status_number(input, "readyReplicas")) return;
  errors.invalid(input.path, input.value.as_int(), "cannot be greater than status.readyReplicas");
}

void call_not_decremented(const RuleInput& input, FieldErrors& errors) {
  if (input.old.is_null() || input.value.as_int(INT64_MIN) >= input.old.as_int()) return;
  errors.invalid(input.path, input.value.as_int(), "cannot be decremented");
}

}  // namespace tiphys::apiserver
