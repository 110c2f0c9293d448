// Validation of LimitRanges.
#include <cstdio>

#include "apiserver/validation/checks.h"
#include "apiserver/validation/quota.h"
#include "apiserver/validation/resource_names.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kTypes[] = {"Pod", "Container", "PersistentVolumeClaim"};
constexpr int64_t kMaxMilliValue = INT64_MAX / 1000;

using Amounts = MapView<std::string_view>;

void validate_type(std::string_view type, const FieldPath& path, FieldErrors& errors) {
  Messages messages = check_qualified_name(type);
  errors.invalid_all(path, type, messages);
  bool plain = type.find('/') == std::string_view::npos;
  if (messages.empty() && plain && !is_one_of(type, kTypes)) {
    errors.invalid(path, type, "must be a standard limit type or fully qualified");
  }
}

void validate_names(const Amounts& amounts, std::string_view type, const FieldPath& path,
                    std::set<std::string_view>& names, FieldErrors& errors) {
  for (auto [name, amount] : amounts) {
    names.insert(name);
    if (type == "Pod" || type == "Container") {
      check_container_resource_name(name, path.key(name), errors);
    } else {
      check_resource_name(name, path.key(name), errors);
    }
  }
}

// Two amounts of a resource, of which the first may not be more than the second.
struct Order {
  const Amounts& low;
  std::string_view low_noun;
  const Amounts& high;
  std::string_view high_noun;
  const Amounts& shown;  // which of them the error prints
  std::string_view field;
};

void check_order(const Order& order, std::string_view name, const FieldPath& path,
                 FieldErrors& errors) {
  if (!order.low.contains(name) || !order.high.contains(name)) return;
  std::string low(order.low.find(name));
  std::string high(order.high.find(name));
  if (Quantity::of(low).compare(Quantity::of(high)) <= 0) return;
  errors.invalid(path.child(order.field).key(name), order.shown.find(name),
                 std::string(order.low_noun) + " value " + low + " is greater than " +
                     std::string(order.high_noun) + " value " + high);
}

void check_ratio(core_v1::LimitRangeItem item, std::string_view name, const FieldPath& path,
                 FieldErrors& errors) {
  Amounts ratios = item.max_limit_request_ratio();
  if (!ratios.contains(name)) return;
  std::string text(ratios.find(name));
  Quantity ratio = Quantity::of(text);
  FieldPath at = path.child("maxLimitRequestRatio").key(name);
  if (ratio < Quantity(1)) errors.invalid(at, text, "ratio " + text + " is less than 1");
  if (!item.min().contains(name) || !item.max().contains(name)) return;
  Quantity min = Quantity::of(item.min().find(name));
  Quantity max = Quantity::of(item.max().find(name));
  bool fine = ratio.value() < kMaxMilliValue && min.value() < kMaxMilliValue &&
              max.value() < kMaxMilliValue;
  double value =
      fine ? static_cast<double>(ratio.milli_value()) / 1000 : static_cast<double>(ratio.value());
  double low = static_cast<double>(fine ? min.milli_value() : min.value());
  double high = static_cast<double>(fine ? max.milli_value() : max.value());
  double limit = high / low;
  if (!(value > limit)) return;
  char shown[64];
  std::snprintf(shown, sizeof shown, "%f", limit);
  errors.invalid(at, text, "ratio " + text + " is greater than max/min = " + shown);
}

void check_equal_defaults(core_v1::LimitRangeItem item, std::string_view name,
                          const FieldPath& path, FieldErrors& errors) {
  if (is_overcommit_allowed(name)) return;
  if (!item.default_().contains(name) || !item.default_request().contains(name)) return;
  std::string limit(item.default_().find(name));
  std::string request(item.default_request().find(name));
  if (Quantity::of(limit) == Quantity::of(request)) return;
  errors.invalid(path.child("defaultRequest").key(name), request,
                 "default value " + limit + " must equal to defaultRequest value " + request +
                     " in " + std::string(name));
}

void check_amounts(core_v1::LimitRangeItem item, const std::set<std::string_view>& names,
                   const FieldPath& path, FieldErrors& errors) {
  Amounts min = item.min();
  Amounts max = item.max();
  Amounts none;
  bool pod = item.type() == "Pod";
  Amounts limit = pod ? none : item.default_();
  Amounts request = pod ? none : item.default_request();
  const Order orders[] = {
      {min, "min", max, "max", min, "min"},
      {min, "min", request, "default request", request, "defaultRequest"},
      {request, "default request", max, "max", request, "defaultRequest"},
      {request, "default request", limit, "default limit", request, "defaultRequest"},
      {min, "min", limit, "default", min, "default"},
      {limit, "default", max, "max", max, "default"}};
  for (std::string_view name : names) {
    for (const Order& order : orders) check_order(order, name, path, errors);
    check_ratio(item, name, path, errors);
    if (!pod) check_equal_defaults(item, name, path, errors);
  }
}

void validate_item(core_v1::LimitRangeItem item, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names;
  std::string_view type = item.type();
  validate_names(item.max(), type, path.child("max"), names, errors);
  validate_names(item.min(), type, path.child("min"), names, errors);
  if (type == "Pod") {
    constexpr std::string_view kWhy = "may not be specified when `type` is 'Pod'";
    if (!item.default_().empty()) errors.forbidden(path.child("default"), kWhy);
    if (!item.default_request().empty()) errors.forbidden(path.child("defaultRequest"), kWhy);
  } else {
    validate_names(item.default_(), type, path.child("default"), names, errors);
    validate_names(item.default_request(), type, path.child("defaultRequest"), names, errors);
  }
  if (type == "PersistentVolumeClaim" && !item.min().contains("storage") &&
      !item.max().contains("storage")) {
    errors.required(path.child("limits"),
                    "either minimum or maximum storage value is required, but neither was "
                    "provided");
  }
  validate_names(item.max_limit_request_ratio(), type, path.child("maxLimitRequestRatio"), names,
                 errors);
  check_amounts(item, names, path, errors);
}

}  // namespace

void validate_limit_range(core_v1::LimitRange range, const core_v1::LimitRange*,
                          FieldErrors& errors) {
  std::set<std::string_view> types;
  for (size_t i = 0; i < range.spec().limits().size(); ++i) {
    core_v1::LimitRangeItem item = range.spec().limits()[i];
    FieldPath at = FieldPath("spec.limits").index(i);
    validate_type(item.type(), at.child("type"), errors);
    if (!types.insert(item.type()).second) errors.duplicate(at.child("type"), item.type());
    validate_item(item, at, errors);
  }
}

}  // namespace tiphys::apiserver
