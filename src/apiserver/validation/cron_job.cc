// Rules of CronJobs that are no rows (pkg/apis/batch/validation).
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "kinds/batch_v1.h"
#include "kinds/cron_schedule.h"
#include "kinds/time_zones.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxName = 52;  // a Job's name is 11 characters longer
constexpr size_t kMaxZonePart = 14;

bool names_zone(std::string_view schedule) { return schedule.find("TZ") != std::string_view::npos; }

bool is_zone_part(std::string_view part) {
  if (part.empty() || part.size() > kMaxZonePart) return false;
  if (part == "." || part == ".." || part.front() == '-') return false;
  for (char c : part) {
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && c != '.' && c != '-' && c != '_' && c != '+') return false;
  }
  return true;
}

}  // namespace

void call_cron_schedule(const RuleInput& input, FieldErrors& errors) {
  std::string_view schedule = input.value.as_text();
  if (schedule.empty()) return;
  Result<kinds::CronSchedule> parsed = kinds::CronSchedule::parse(schedule);
  if (!parsed) errors.invalid(input.path, schedule, parsed.error().message());
  if (!names_zone(schedule)) return;
  bool allowed = input.updating() && names_zone(input.old.as_text());
  if (!allowed) {
    errors.invalid(input.path, schedule,
                   "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else if (batch_v1::CronJobSpec(input.parent).has_time_zone()) {
    errors.invalid(input.path, schedule,
                   "cannot use both timeZone field and TZ or CRON_TZ in schedule");
  }
}

void call_cron_time_zone(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null()) return;
  std::string_view zone = input.value.as_text();
  if (zone.empty()) {
    errors.invalid(input.path, zone, "timeZone must be nil or non-empty string");
    return;
  }
  std::string unknown = "unknown time zone " + std::string(zone);
  for (std::string_view part : split(zone, '/')) {
    if (!is_zone_part(part)) {
      errors.invalid(input.path, zone, unknown);
      return;
    }
  }
  if (to_lower(zone) == "local") {
    errors.invalid(input.path, zone,
                   "timeZone must be an explicit time zone as defined in "
                   "https://www.iana.org/time-zones");
  }
  if (!kinds::is_time_zone(zone)) errors.invalid(input.path, zone, unknown);
}

void call_cron_job_name(const RuleInput& input, FieldErrors& errors) {
  if (input.value.size <= kMaxName) return;
  errors.invalid(input.path, input.value.as_text(),
                 "must be no more than " + std::to_string(kMaxName) + " characters");
}

void call_manual_selector_unsupported(const RuleInput& input, FieldErrors& errors) {
  constexpr std::string_view kSupported[] = {"nil", "false"};
  if (input.value.as_bool()) errors.not_supported_raw(input.path, "true", kSupported);
}

}  // namespace tiphys::apiserver
