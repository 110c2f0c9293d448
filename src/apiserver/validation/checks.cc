#include "apiserver/validation/checks.h"

#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {

void check_driver_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  constexpr int kMaxBytes = 63;
  if (name.empty()) errors.required(path);
  if (name.size() > kMaxBytes) errors.too_long(path, kMaxBytes);
  errors.invalid_all(path, name, check_dns1123_subdomain(to_lower(name)));
}

void check_port_reference(const Value& port, const FieldPath& path, FieldErrors& errors) {
  if (port.type == ValueType::kString) {
    errors.invalid_all(path, port.as_text(), check_port_name(port.as_text()));
  } else {
    check_number(check_port_number(port.as_int()), port.as_int(), path, errors);
  }
}

void check_endpoint_ip(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  std::optional<IpAddress> address = parse_ip(text);
  if (!address) {
    errors.invalid(path, text, "must be a valid IP address");
    return;
  }
  if (address->is_unspecified()) {
    errors.invalid(path, text, "may not be unspecified (" + std::string(text) + ")");
  }
  if (address->is_loopback()) {
    errors.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  }
  if (address->is_link_local()) {
    errors.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (address->is_link_local_multicast()) {
    errors.invalid(path, text,
                   "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

void check_no_backsteps(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  for (std::string_view step : split(text, '/')) {
    if (step != "..") continue;
    errors.invalid(path, text, "must not contain '..'");
    return;
  }
}

void check_relative_path(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  if (text.starts_with('/')) errors.invalid(path, text, "must be a relative path");
  check_no_backsteps(text, path, errors);
}

void check_local_path(std::string_view text, const FieldPath& path, FieldErrors& errors) {
  check_relative_path(text, path, errors);
  if (text.starts_with("..") && !text.starts_with("../")) {
    errors.invalid(path, text, "must not start with '..'");
  }
}

void check_only_fields(const schema::Message& type, const Node& node,
                       std::span<const std::string_view> allowed, std::string_view detail,
                       const FieldPath& path, FieldErrors& errors) {
  for (const Value& value : node.items()) {
    std::string_view name = type.fields[value.field].name;
    if (!is_one_of(name, allowed)) errors.forbidden(path.child(name), detail);
  }
}

}  // namespace tiphys::apiserver
