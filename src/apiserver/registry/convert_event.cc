#include "apiserver/registry/convert_event.h"

#include <string_view>

#include "kinds/core_v1.h"
#include "kinds/events_v1.h"

namespace tiphys::apiserver {
namespace {

// events.k8s.io name, core name.
constexpr std::pair<std::string_view, std::string_view> kFields[] = {
    {"metadata", "metadata"},
    {"eventTime", "eventTime"},
    {"series", "series"},
    {"reportingController", "reportingComponent"},
    {"reportingInstance", "reportingInstance"},
    {"action", "action"},
    {"reason", "reason"},
    {"regarding", "involvedObject"},
    {"related", "related"},
    {"note", "message"},
    {"type", "type"},
    {"deprecatedSource", "source"},
    {"deprecatedFirstTimestamp", "firstTimestamp"},
    {"deprecatedLastTimestamp", "lastTimestamp"},
    {"deprecatedCount", "count"},
};

uint16_t index_of(const schema::Message& type, std::string_view name) {
  return type.index_of(*type.find(name));
}

}  // namespace

// The structs inside (series, references, source) have the same fields in both versions, in the
// same order: their trees are copied as they are.
Draft event_to_core(const Draft& event) {
  Draft core = core_v1::Event::make();
  for (const auto& [name, core_name] : kFields) {
    const Value& value = event.root().field(index_of(event.type(), name));
    if (value.is_null()) continue;
    set_field(core.arena(), core.root(), index_of(core.type(), core_name),
              core.arena().clone(value));
  }
  return core;
}

ObjectPtr event_from_core(const Object& event) {
  Draft served = events_v1::Event::make();
  for (const auto& [name, core_name] : kFields) {
    const Value& value = event.root().field(index_of(event.type(), core_name));
    if (value.is_null()) continue;
    set_field(served.arena(), served.root(), index_of(served.type(), name),
              served.arena().clone(value));
  }
  return served.freeze();
}

}  // namespace tiphys::apiserver
