// PosixRules: reads a POSIX TZ string as zoneinfo files end with ("CET-1CEST,M3.5.0,M10.5.0/3").
// Pure; nothing comes of what is malformed.
#pragma once
#include <optional>
#include <string_view>

#include "kinds/time_zone.h"

namespace tiphys::kinds {

class PosixRules {
 public:
  explicit PosixRules(std::string_view text) : left_(text) {}
  std::optional<TimeZone::Forever> read();

 private:
  bool take(char c);
  bool read_name();
  std::optional<int> read_number(int min, int max);
  // [+-]hh[:mm[:ss]]
  std::optional<int32_t> read_seconds(int max_hours);
  std::optional<TimeZone::Rule> read_rule();

  std::string_view left_;
};

}  // namespace tiphys::kinds
