#include "apiserver/validation/event.h"

#include "apiserver/validation/checks.h"
#include "apiserver/validation/rules.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxInstanceBytes = 128;
constexpr size_t kMaxActionBytes = 128;
constexpr size_t kMaxReasonBytes = 128;
constexpr size_t kMaxNoteBytes = 1024;

// What never changes once an event of the new group is there.
constexpr std::string_view kFixed[] = {"involvedObject", "reason",        "message", "source",
                                       "firstTimestamp", "lastTimestamp", "count",   "reason",
                                       "type",           "eventTime",     "action",  "related"};

void check_length(std::string_view text, size_t limit, const FieldPath& path, FieldErrors& errors) {
  if (text.size() <= limit) return;
  errors.invalid(path, "", "can have at most " + std::to_string(limit) + " characters");
}

void require_text(std::string_view text, size_t limit, const FieldPath& path, FieldErrors& errors) {
  if (text.empty()) errors.required(path);
  check_length(text, limit, path, errors);
}

// Of an event with a time of its own: who says what about whom.
void validate_timed(core_v1::Event event, bool legacy, FieldErrors& errors) {
  FieldPath controller(legacy ? "reportingComponent" : "reportingController");
  std::string_view reporter = event.reporting_component();
  if (reporter.empty()) errors.required(controller);
  errors.invalid_all(controller, reporter, check_qualified_name(reporter));
  require_text(event.reporting_instance(), kMaxInstanceBytes, FieldPath("reportingInstance"),
               errors);
  require_text(event.action(), kMaxActionBytes, FieldPath("action"), errors);
  require_text(event.reason(), kMaxReasonBytes, FieldPath("reason"), errors);
  check_length(event.message(), kMaxNoteBytes, FieldPath("message"), errors);
}

bool is_in_right_namespace(core_v1::Event event) {
  std::string_view own = event.metadata().namespace_();
  std::string_view involved = event.involved_object().namespace_();
  if (event.has_event_time()) {
    return !involved.empty() || own == "default" || own == "kube-system";
  }
  return involved.empty() ? own.empty() || own == "default" : own == involved;
}

void validate_legacy(core_v1::Event event, bool legacy, FieldErrors& errors) {
  if (!is_in_right_namespace(event)) {
    errors.invalid(FieldPath("involvedObject.namespace"), event.involved_object().namespace_(),
                   "does not match event.namespace");
  }
  if (event.has_event_time()) validate_timed(event, legacy, errors);
  std::string_view own = event.metadata().namespace_();
  errors.invalid_all(FieldPath("namespace"), own, check_dns1123_subdomain(own));
}

void validate_series(core_v1::Event event, FieldErrors& errors) {
  if (!event.has_series()) return;
  if (event.series().count() < 2) {
    errors.invalid(FieldPath("series.count"), "", "should be at least 2");
  }
  if (!event.series().has_last_observed_time()) {
    errors.required(FieldPath("series.lastObservedTime"));
  }
}

void validate_new(core_v1::Event event, FieldErrors& errors) {
  constexpr std::string_view kUnset = "needs to be unset";
  validate_series(event, errors);
  if (!event.has_event_time()) errors.required(FieldPath("eventTime"));
  if (event.type() != "Normal" && event.type() != "Warning") {
    errors.invalid(FieldPath("type"), "", "has invalid value: " + std::string(event.type()));
  }
  if (event.has_first_timestamp()) errors.invalid(FieldPath("firstTimestamp"), "", kUnset);
  if (event.has_last_timestamp()) errors.invalid(FieldPath("lastTimestamp"), "", kUnset);
  if (event.count() != 0) errors.invalid(FieldPath("count"), "", kUnset);
  if (!event.source().component().empty() || !event.source().host().empty()) {
    errors.invalid(FieldPath("source"), "", kUnset);
  }
}

void validate_changed(core_v1::Event event, core_v1::Event old, FieldErrors& errors) {
  const schema::Message& type = core_v1::Event::message_type();
  auto check_kept = [&](std::string_view field, std::string_view shown_as) {
    const Value& now = schema::find_path(type, event.node(), {field});
    if (equal(now, schema::find_path(type, old.node(), {field}))) return;
    errors.invalid_raw(FieldPath(shown_as), printed_field(type, event.node(), field),
                       "field is immutable");
  };
  if (!equal(event.series(), old.series())) validate_series(event, errors);
  for (std::string_view field : kFixed) check_kept(field, field);
  check_kept("reportingComponent", "reportingController");
  check_kept("reportingInstance", "reportingInstance");
}

}  // namespace

void validate_event(core_v1::Event event, bool legacy, const core_v1::Event* old,
                    FieldErrors& errors) {
  validate_legacy(event, legacy, errors);
  if (legacy) return;
  if (old) {
    validate_changed(event, *old, errors);
  } else {
    validate_new(event, errors);
  }
}

}  // namespace tiphys::apiserver
