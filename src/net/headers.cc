#include <algorithm>

#include "base/strings.h"
#include "net/http.h"

namespace tiphys::net {

std::string_view Headers::get(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return entry.value;
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.name == name; });
}

void Headers::add(std::string_view name, std::string_view value) {
  entries_.push_back({to_lower(name), std::string(value)});
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::remove(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& entry) { return equals_ignore_case(entry.name, name); });
}

}  // namespace tiphys::net
