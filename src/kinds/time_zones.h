// Names of time zones, as Go's time.LoadLocation knows them. Pure; safe from any thread.
#pragma once
#include <string_view>

namespace tiphys::kinds {

// An IANA name ("Europe/Berlin"); also "" and "UTC" (UTC) and "Local". Case counts.
bool is_time_zone(std::string_view name);

}  // namespace tiphys::kinds
