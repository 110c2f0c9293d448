#include "controllers/time_zone_files.h"

#include <vector>

#include "kinds/time_zones.h"
#include "os/files.h"

namespace tiphys::controllers {

namespace {

// Where Go looks.
constexpr std::string_view kFolders[] = {"/usr/share/zoneinfo/", "/usr/share/lib/zoneinfo/",
                                         "/usr/lib/locale/TZ/", "/etc/zoneinfo/"};
constexpr size_t kMaxBytes = 1 << 20;

ApiStatus unknown(std::string_view name) {
  return ApiStatus::bad_request("unknown time zone " + std::string(name));
}

}  // namespace

Result<const kinds::TimeZone*> TimeZoneFiles::find(std::string_view name) {
  auto found = zones_.find(name);
  if (found == zones_.end()) {
    Result<kinds::TimeZone> zone = read(name);
    if (!zone) return zone.error();
    found = zones_.emplace(name, std::move(*zone)).first;
  }
  return &found->second;
}

Result<kinds::TimeZone> TimeZoneFiles::read(std::string_view name) const {
  bool local = name == "Local";
  if (name.empty() || name == "UTC" || (local && local_.empty())) return kinds::TimeZone();
  // Names of the list have no parts that lead elsewhere.
  if (!kinds::is_time_zone(name)) return unknown(name);
  std::vector<std::string> paths;
  if (local) paths.push_back(local_);
  for (std::string_view folder : kFolders) {
    if (!local) paths.push_back(std::string(folder) + std::string(name));
  }
  for (const std::string& path : paths) {
    Result<std::string> bytes = os::read_file(path, kMaxBytes);
    if (bytes) return kinds::TimeZone::parse(*bytes);
  }
  if (local) return kinds::TimeZone();
  return unknown(name);
}

}  // namespace tiphys::controllers
