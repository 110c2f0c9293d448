#include "scheduler/field_problems.h"

#include <algorithm>

#include "base/strings.h"
#include "object/selector.h"

namespace tiphys::scheduler {
namespace {

std::string with_detail(std::string text, std::string_view detail) {
  return detail.empty() ? text : text + ": " + std::string(detail);
}

}  // namespace

void FieldProblems::invalid(const std::string& path, std::string_view value,
                            std::string_view detail) {
  add(with_detail(path + ": Invalid value: " + std::string(value), detail));
}

void FieldProblems::invalid(const std::string& path, int64_t value, std::string_view detail) {
  invalid(path, std::to_string(value), detail);
}

void FieldProblems::required(const std::string& path, std::string_view detail) {
  add(with_detail(path + ": Required value", detail));
}

void FieldProblems::duplicate(const std::string& path, std::string_view value) {
  add(path + ": Duplicate value: " + std::string(value));
}

void FieldProblems::forbidden(const std::string& path, std::string_view detail) {
  add(with_detail(path + ": Forbidden", detail));
}

void FieldProblems::unsupported(const std::string& path, std::string_view value,
                                std::initializer_list<std::string_view> supported) {
  std::string text = path + ": Unsupported value: " + go_quote(value) + ": supported values: ";
  bool first = true;
  for (std::string_view one : supported) {
    text += (first ? "" : ", ") + go_quote(one);
    first = false;
  }
  add(std::move(text));
}

void FieldProblems::label_name(const std::string& path, std::string_view name) {
  for (const std::string& problem : label_key_problems(name)) {
    invalid(path, go_quote(name), problem);
  }
}

Result<void> FieldProblems::result() const {
  std::vector<std::string> once;
  for (const std::string& text : list_) {
    if (std::ranges::find(once, text) == once.end()) once.push_back(text);
  }
  if (once.empty()) return {};
  if (once.size() == 1) return ApiStatus::bad_request(once[0]);
  return ApiStatus::bad_request("[" + join(once, ", ") + "]");
}

std::string index_path(const std::string& path, size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

std::string quoted_list(const std::vector<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) text += (text.size() == 1 ? "" : ",") + go_quote(value);
  return text + "]";
}

}  // namespace tiphys::scheduler
