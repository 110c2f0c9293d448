#include "apiserver/validation/capacity_policy.h"

#include <set>

#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

using resource_v1::CapacityRequestPolicyRange;

constexpr int kMaxValidValues = 10;

void check_order(const ListView<std::string_view>& values, const FieldPath& path,
                 FieldErrors& errors) {
  for (size_t i = 1; i < values.size(); ++i) {
    if (Quantity::of(values[i - 1]) <= Quantity::of(values[i])) continue;
    errors.invalid(path.index(i), values[i], "values must be sorted in ascending order");
  }
}

// True if the default was among the values that were looked at.
bool check_each_value(const ListView<std::string_view>& values, std::string_view standard,
                      std::string_view capacity, const FieldPath& path, FieldErrors& errors) {
  if (values.size() > kMaxValidValues) {
    errors.too_many(path, static_cast<int>(values.size()), kMaxValidValues);
    return false;
  }
  bool found = false;
  size_t i = 0;
  for (std::string_view value : values) {
    if (Quantity::of(value) > Quantity::of(capacity)) {
      errors.invalid(path.index(i), value,
                     "option is larger than capacity value: " + std::string(capacity));
    }
    found = found || Quantity::of(value) == Quantity::of(standard);
    ++i;
  }
  std::set<int64_t> seen;
  i = 0;
  for (std::string_view value : values) {
    int64_t number = Quantity::of(value).value();
    if (!seen.insert(number).second) errors.duplicate(path.index(i), std::to_string(number));
    ++i;
  }
  return found;
}

void check_valid_values(const ListView<std::string_view>& values, std::string_view standard,
                        std::string_view capacity, const FieldPath& path, FieldErrors& errors) {
  check_order(values, path, errors);
  if (check_each_value(values, standard, capacity, path, errors)) return;
  errors.invalid(path, standard, "default value is not valid according to the requestPolicy");
}

void check_step(std::string_view value, CapacityRequestPolicyRange range, const FieldPath& path,
                FieldErrors& errors) {
  int64_t step = Quantity::of(range.step()).value();
  int64_t distance = 0;
  bool far = __builtin_sub_overflow(Quantity::of(value).value(), Quantity::of(range.min()).value(),
                                    &distance);
  if (!far && step != 0 && (step == -1 || distance % step == 0)) return;
  errors.invalid(path, value,
                 "value is not a multiple of a given step (" + std::string(range.step()) +
                     ") from (" + std::string(range.min()) + ")");
}

// If `larger` exceeds `smaller`: `value` is invalid, "<what><smaller>".
void check_at_most(std::string_view larger, std::string_view smaller, std::string_view what,
                   const FieldPath& path, FieldErrors& errors) {
  if (Quantity::of(larger) <= Quantity::of(smaller)) return;
  errors.invalid(path, larger, std::string(what) + std::string(smaller));
}

void check_valid_range(CapacityRequestPolicyRange range, std::string_view standard,
                       std::string_view capacity, const FieldPath& path, FieldErrors& errors) {
  FieldPath min = path.child("min");
  if (!range.has_min()) return errors.required(min, "required when validRange is defined");
  check_at_most(range.min(), capacity, "min is larger than capacity value: ", min, errors);
  if (Quantity::of(standard) < Quantity::of(range.min())) {
    errors.invalid(min, standard, "default is less than min: " + std::string(range.min()));
  }
  if (range.has_max()) {
    FieldPath max = path.child("max");
    check_at_most(range.min(), range.max(), "min is larger than max: ", max, errors);
    check_at_most(range.max(), capacity, "max is larger than capacity value: ", max, errors);
    check_at_most(standard, range.max(), "default is more than max: ", max, errors);
  }
  if (!range.has_step()) return;
  FieldPath step = path.child("step");
  Quantity first = Quantity::of(range.min()) + Quantity::of(range.step());
  if (first > Quantity::of(capacity)) {
    errors.invalid(
        step, range.step(),
        "one step " + first.text() + " is larger than capacity value: " + std::string(capacity));
  }
  check_step(standard, range, step, errors);
  if (range.has_max()) check_step(range.max(), range, step, errors);
}

}  // namespace

void check_request_policy(resource_v1::DeviceCapacity capacity, const FieldPath& path,
                          FieldErrors& errors) {
  resource_v1::CapacityRequestPolicy policy = capacity.request_policy();
  bool listed = !policy.valid_values().empty();
  if (listed && policy.has_valid_range()) {
    return errors.forbidden(path,
                            "exactly one policy can be specified, cannot specify \"validValues\" "
                            "and \"validRange\" at the same time");
  }
  if (!listed && !policy.has_valid_range()) return;
  if (!policy.has_default()) {
    return errors.required(path.child("default"), listed ? "required when validValues is defined"
                                                         : "required when validRange is defined");
  }
  if (listed) {
    check_valid_values(policy.valid_values(), policy.default_(), capacity.value(),
                       path.child("validValues"), errors);
  } else {
    check_valid_range(policy.valid_range(), policy.default_(), capacity.value(),
                      path.child("validRange"), errors);
  }
}

}  // namespace tiphys::apiserver
