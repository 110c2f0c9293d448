// Annotations of an audit event: what the stages of a request tell about it. Value; loop thread.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/log.h"

namespace tiphys::apiserver::audit {

class Annotations {
 public:
  // The first value of a key stays.
  void add(std::string_view key, std::string_view value) {
    auto [entry, added] = entries_.try_emplace(std::string(key), value);
    if (added || entry->second == value) return;
    LOG_WARNING("Failed to set annotation for audit, it has already been set", {"key", key});
  }
  void replace(std::string_view key, std::string_view value) {
    entries_.insert_or_assign(std::string(key), value);
  }
  bool empty() const { return entries_.empty(); }
  const std::map<std::string, std::string>& entries() const { return entries_; }

 private:
  std::map<std::string, std::string> entries_;
};

}  // namespace tiphys::apiserver::audit
