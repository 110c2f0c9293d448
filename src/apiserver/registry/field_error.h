// FieldErrors: validation failures with field paths, worded as apimachinery's field.Error.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace tiphys::apiserver {

// A path such as spec.containers[0].ports[1].name or metadata.labels[a/b]. Value type.
class FieldPath {
 public:
  FieldPath() = default;
  explicit FieldPath(std::string_view root) : text_(root) {}
  // How upstream prints a path that is one empty name.
  static FieldPath whole_object() { return FieldPath("[]"); }
  FieldPath child(std::string_view name) const;
  FieldPath index(size_t position) const;
  FieldPath key(std::string_view key) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// What a list of errors may hold: 3 MiB of bad values could say 200 MB about themselves. The rest
// is left out.
inline constexpr size_t kMaxFieldErrorBytes = 4 * 1024 * 1024;

class FieldErrors {
 public:
  // "Required value" or "Required value: <detail>"
  void required(const FieldPath& path, std::string_view detail = {});
  // 'Invalid value: "x": <detail>' (the text form quotes, the number form does not)
  void invalid(const FieldPath& path, std::string_view value, std::string_view detail);
  void invalid(const FieldPath& path, int64_t value, std::string_view detail);
  // Value printed as given, without quotes (objects, null)
  void invalid_raw(const FieldPath& path, std::string_view value, std::string_view detail);
  // Each of a check's messages as an invalid value.
  void invalid_all(const FieldPath& path, std::string_view value,
                   std::span<const std::string> details);
  // "Invalid value: <detail>"
  void invalid_omitted(const FieldPath& path, std::string_view detail);
  // 'Unsupported value: "x": supported values: "A", "B"' (in the order given)
  void not_supported(const FieldPath& path, std::string_view value,
                     std::span<const std::string_view> supported);
  void not_supported_raw(const FieldPath& path, std::string_view value,
                         std::span<const std::string_view> supported);
  void duplicate(const FieldPath& path, std::string_view value);  // 'Duplicate value: "x"'
  void duplicate_raw(const FieldPath& path, std::string_view value, std::string_view detail = {});
  void not_found(const FieldPath& path, std::string_view value, std::string_view detail = {});
  void forbidden(const FieldPath& path, std::string_view detail);
  void too_long(const FieldPath& path, int max_bytes);  // 'Too long: may not be more than N bytes'
  void too_many(const FieldPath& path, int actual, int max);
  void internal(const FieldPath& path, std::string_view detail);

  bool empty() const { return causes_.empty(); }
  size_t size() const { return causes_.size(); }
  std::vector<StatusCause> take() { return std::move(causes_); }
  const std::vector<StatusCause>& causes() const { return causes_; }

 private:
  void add(const char* reason, const FieldPath& path, std::string message);
  std::vector<StatusCause> causes_;
  size_t bytes_ = 0;
};

}  // namespace tiphys::apiserver
