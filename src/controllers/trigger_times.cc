#include "controllers/trigger_times.h"

#include <algorithm>

#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

}  // namespace

std::optional<MicroTime> TriggerTimes::look(const std::string& key, const core_v1::Service& service,
                                            const std::vector<ObjectPtr>& pods) {
  auto [entry, first] = seen_.try_emplace(key);
  Seen before = std::exchange(entry->second, {service.metadata().creation_timestamp(), {}});
  std::optional<MicroTime> earliest;
  auto note = [&earliest](MicroTime now, MicroTime then) {
    if (now > then) earliest = std::min(earliest.value_or(now), now);
  };
  for (const ObjectPtr& object : pods) {
    core_v1::Pod pod(*object);
    MicroTime time = kinds::find_condition(pod.status(), "Ready").last_transition_time();
    if (time == 0) continue;
    std::string_view name = pod.metadata().name();
    auto known = before.pods.find(name);
    note(time, known == before.pods.end() ? 0 : known->second);
    entry->second.pods.emplace(name, time);
  }
  note(entry->second.service, before.service);
  if (first && entry->second.service != 0) return entry->second.service;
  return earliest;
}

void put_trigger_time(meta_v1::ObjectMetaEdit meta, std::optional<MicroTime> time) {
  if (time) {
    meta.edit_annotations().set(kAnnotation, format_rfc3339(*time));
  } else if (meta.view().annotations().contains(kAnnotation)) {
    meta.edit_annotations().erase(kAnnotation);
    if (meta.view().annotations().empty()) meta.clear_annotations();
  }
}

}  // namespace tiphys::controllers
