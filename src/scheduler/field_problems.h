// FieldProblems: field errors of a component's configuration, worded as apimachinery's field.Error
// and aggregated as utilerrors.Aggregate. Pure; one thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tiphys::scheduler {

class FieldProblems {
 public:
  // `value` is JSON text: a number, a quoted string...
  void invalid(const std::string& path, std::string_view value, std::string_view detail);
  void invalid(const std::string& path, int64_t value, std::string_view detail);
  void required(const std::string& path, std::string_view detail = "");
  void duplicate(const std::string& path, std::string_view value);
  void forbidden(const std::string& path, std::string_view detail);
  // `supported` is listed as given.
  void unsupported(const std::string& path, std::string_view value,
                   std::initializer_list<std::string_view> supported);
  // Each problem of `name` as a label's key.
  void label_name(const std::string& path, std::string_view name);
  void add(std::string text) { list_.push_back(std::move(text)); }

  bool empty() const { return list_.empty(); }
  // BadRequest: the only one, or all as "[a, b]", repeated ones once.
  Result<void> result() const;

 private:
  std::vector<std::string> list_;
};

// "profiles" and 2 -> "profiles[2]".
std::string index_path(const std::string& path, size_t index);
// Go's JSON of a list of strings.
std::string quoted_list(const std::vector<std::string>& values);

}  // namespace tiphys::scheduler
