#include "apiserver/registry/field_error.h"

#include "base/strings.h"

namespace tiphys::apiserver {

FieldPath FieldPath::child(std::string_view name) const {
  FieldPath path(text_);
  if (!path.text_.empty()) path.text_ += '.';
  path.text_ += name;
  return path;
}

FieldPath FieldPath::index(size_t position) const {
  return FieldPath(text_ + "[" + std::to_string(position) + "]");
}

FieldPath FieldPath::key(std::string_view key) const {
  return FieldPath(text_ + "[" + std::string(key) + "]");
}

void FieldErrors::add(const char* reason, const FieldPath& path, std::string message) {
  if (bytes_ > kMaxFieldErrorBytes) return;
  bytes_ += path.text().size() + message.size();
  causes_.push_back({.reason = reason, .message = std::move(message), .field = path.text()});
}

void FieldErrors::required(const FieldPath& path, std::string_view detail) {
  std::string message = "Required value";
  if (!detail.empty()) message.append(": ").append(detail);
  add("FieldValueRequired", path, std::move(message));
}

void FieldErrors::invalid(const FieldPath& path, std::string_view value, std::string_view detail) {
  invalid_raw(path, go_quote(value), detail);
}

void FieldErrors::invalid(const FieldPath& path, int64_t value, std::string_view detail) {
  invalid_raw(path, std::to_string(value), detail);
}

void FieldErrors::invalid_raw(const FieldPath& path, std::string_view value,
                              std::string_view detail) {
  std::string message = "Invalid value: " + std::string(value);
  if (!detail.empty()) message.append(": ").append(detail);
  add("FieldValueInvalid", path, std::move(message));
}

void FieldErrors::invalid_all(const FieldPath& path, std::string_view value,
                              std::span<const std::string> details) {
  for (const std::string& detail : details) invalid(path, value, detail);
}

void FieldErrors::invalid_omitted(const FieldPath& path, std::string_view detail) {
  add("FieldValueInvalid", path, "Invalid value: " + std::string(detail));
}

void FieldErrors::not_supported(const FieldPath& path, std::string_view value,
                                std::span<const std::string_view> supported) {
  not_supported_raw(path, go_quote(value), supported);
}

void FieldErrors::not_supported_raw(const FieldPath& path, std::string_view value,
                                    std::span<const std::string_view> supported) {
  std::string message = "Unsupported value: " + std::string(value) + ": supported values: ";
  for (size_t i = 0; i < supported.size(); ++i) {
    if (i > 0) message += ", ";
    message += go_quote(supported[i]);
  }
  add("FieldValueNotSupported", path, std::move(message));
}

void FieldErrors::duplicate(const FieldPath& path, std::string_view value) {
  duplicate_raw(path, go_quote(value));
}

void FieldErrors::duplicate_raw(const FieldPath& path, std::string_view value,
                                std::string_view detail) {
  std::string message = "Duplicate value: " + std::string(value);
  if (!detail.empty()) message.append(": ").append(detail);
  add("FieldValueDuplicate", path, std::move(message));
}

void FieldErrors::not_found(const FieldPath& path, std::string_view value,
                            std::string_view detail) {
  std::string message = "Not found: " + go_quote(value);
  if (!detail.empty()) message.append(": ").append(detail);
  add("FieldValueNotFound", path, std::move(message));
}

void FieldErrors::forbidden(const FieldPath& path, std::string_view detail) {
  add("FieldValueForbidden", path, "Forbidden: " + std::string(detail));
}

void FieldErrors::too_long(const FieldPath& path, int max_bytes) {
  add("FieldValueTooLong", path,
      "Too long: may not be more than " + std::to_string(max_bytes) + " bytes");
}

void FieldErrors::too_many(const FieldPath& path, int actual, int max) {
  add("FieldValueTooMany", path,
      "Too many: " + std::to_string(actual) + ": must have at most " + std::to_string(max) +
          " items");
}

void FieldErrors::internal(const FieldPath& path, std::string_view detail) {
  add("InternalError", path, "Internal error: " + std::string(detail));
}

}  // namespace tiphys::apiserver
