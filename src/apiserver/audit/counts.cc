#include "apiserver/audit/counts.h"

#include "apiserver/audit/level.h"

namespace tiphys::apiserver::audit {
namespace {

std::string family(std::string_view name) { return "# TYPE " + std::string(name) + " counter\n"; }

// One series, "" for no label.
std::string series(std::string_view name, std::string_view label, uint64_t value) {
  std::string out(name);
  if (!label.empty()) out += "{" + std::string(label) + "\"}";
  return out + " " + std::to_string(value) + "\n";
}

}  // namespace

std::string metrics_text(const Counts& counts) {
  constexpr std::string_view kEvents = "apiserver_audit_event_total";
  constexpr std::string_view kRejected = "apiserver_audit_requests_rejected_total";
  constexpr std::string_view kLevels = "apiserver_audit_level_total";
  constexpr std::string_view kErrors = "apiserver_audit_error_total";
  std::string out = family(kEvents) + series(kEvents, "", counts.events);
  out += family(kRejected) + series(kRejected, "", counts.rejected);
  out += family(kLevels);
  for (size_t i = 0; i < counts.levels.size(); ++i) {
    if (counts.levels[i] == 0) continue;
    out += series(kLevels, "level=\"" + std::string(kLevelNames[i]), counts.levels[i]);
  }
  out += family(kErrors);
  std::pair<std::string_view, uint64_t> errors[] = {{"plugin=\"buffered", counts.lost_by_buffer},
                                                    {"plugin=\"log", counts.lost_by_log},
                                                    {"plugin=\"truncate", counts.lost_by_truncate}};
  for (const auto& [label, value] : errors) {
    if (value > 0) out += series(kErrors, label, value);
  }
  return out;
}

}  // namespace tiphys::apiserver::audit
