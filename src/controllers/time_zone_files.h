// TimeZoneFiles: the time zones of this machine's zoneinfo folders, each read at its first use (a
// few kilobytes, once).
//
// Loop thread only; zones live as long as this.
#pragma once
#include <map>
#include <string>

#include "kinds/time_zone.h"

namespace tiphys::controllers {

class TimeZoneFiles {
 public:
  // `local` is the file that "Local" means; none: UTC.
  explicit TimeZoneFiles(std::string local) : local_(std::move(local)) {}
  // "" and "UTC" need no file. Error: BadRequest "unknown time zone X", also if there is no file.
  Result<const kinds::TimeZone*> find(std::string_view name);

 private:
  Result<kinds::TimeZone> read(std::string_view name) const;

  std::string local_;
  std::map<std::string, kinds::TimeZone, std::less<>> zones_;
};

}  // namespace tiphys::controllers
