// Small checks that most kinds' validation is made of. Pure.
#pragma once
#include <algorithm>
#include <span>
#include <string_view>

#include "apiserver/registry/field_error.h"
#include "apiserver/validation/names.h"
#include "schema/message.h"

namespace tiphys::apiserver {

inline void check_not_negative(int64_t value, const FieldPath& path, FieldErrors& errors) {
  if (value < 0) errors.invalid(path, value, "must be greater than or equal to 0");
}

inline void check_positive(int64_t value, const FieldPath& path, FieldErrors& errors) {
  if (value <= 0) errors.invalid(path, value, "must be greater than zero");
}

inline void check_number(const Messages& messages, int64_t value, const FieldPath& path,
                         FieldErrors& errors) {
  for (const std::string& message : messages) errors.invalid(path, value, message);
}

inline bool is_one_of(std::string_view value, std::span<const std::string_view> values) {
  return std::ranges::find(values, value) != values.end();
}

// Unsupported, unless it is one of the values.
inline void check_supported(std::string_view value, std::span<const std::string_view> values,
                            const FieldPath& path, FieldErrors& errors) {
  if (!is_one_of(value, values)) errors.not_supported(path, value, values);
}

// Required where it is empty, else one of the values.
inline void check_choice(std::string_view value, std::span<const std::string_view> values,
                         const FieldPath& path, FieldErrors& errors) {
  if (value.empty()) {
    errors.required(path);
  } else {
    check_supported(value, values, path, errors);
  }
}

// The name of a driver of volumes or devices: a DNS subdomain in any case, required.
void check_driver_name(std::string_view name, const FieldPath& path, FieldErrors& errors);

// A port's number or name.
void check_port_reference(const Value& port, const FieldPath& path, FieldErrors& errors);

// "may not be in the loopback range ..." and so on: addresses that traffic is sent to.
void check_endpoint_ip(std::string_view text, const FieldPath& path, FieldErrors& errors);

// No ".." among the steps of a path; (relative) not absolute besides; (local) no first step that
// starts with "..", which the kubelet keeps for itself.
void check_no_backsteps(std::string_view text, const FieldPath& path, FieldErrors& errors);
void check_relative_path(std::string_view text, const FieldPath& path, FieldErrors& errors);
void check_local_path(std::string_view text, const FieldPath& path, FieldErrors& errors);

// The members of a struct that are set but not among `allowed`: forbidden, with `detail`.
void check_only_fields(const schema::Message& type, const Node& node,
                       std::span<const std::string_view> allowed, std::string_view detail,
                       const FieldPath& path, FieldErrors& errors);

}  // namespace tiphys::apiserver
