#include "kubelet/pods/startup.h"

#include <algorithm>

#include "kinds/pods.h"

namespace tiphys::kubelet {
namespace {

// It waited, or waits, for something else to make room.
bool is_unschedulable(core_v1::Pod pod) {
  return std::ranges::any_of(pod.status().conditions(), [](core_v1::PodCondition one) {
    return one.type() == "PodScheduled" && one.status() == "False";
  });
}

bool all_started(core_v1::Pod pod) {
  auto statuses = pod.status().container_statuses();
  return statuses.size() == pod.spec().containers().size() &&
         std::ranges::all_of(statuses, [](core_v1::ContainerStatus one) {
           return one.state().running().has_started_at();
         });
}

// A projected volume is made of what is stateless, and nearly every pod has one: its token's.
bool is_stateful(core_v1::Pod pod) {
  return std::ranges::any_of(pod.spec().volumes(), [](core_v1::Volume one) {
    return !one.has_secret() && !one.has_config_map() && !one.has_downward_api() &&
           !one.has_empty_dir() && !one.has_projected();
  });
}

}  // namespace

Startup::Startup(core_v1::Pod pod) : measured_(!pod.status().has_start_time()) {}

void Startup::pull_began(MonoTime now) {
  if (pulls_++ == 0) pulling_since_ = now;
}

void Startup::pull_ended(MonoTime now) {
  if (--pulls_ == 0) left_out_ += now - pulling_since_;
}

void Startup::init_ran(Duration took) { left_out_ += std::max(took, Duration::zero()); }

std::optional<Startup::Took> Startup::seen(core_v1::Pod pod, MicroTime now) {
  if (is_unschedulable(pod) || kinds::is_terminal(pod.status().phase())) measured_ = false;
  if (!measured_ || !all_started(pod)) return std::nullopt;
  measured_ = false;
  Took out{std::chrono::microseconds(now - pod.metadata().creation_timestamp()), std::nullopt};
  if (!is_stateful(pod)) out.sli = std::max(out.total - left_out_, Duration::zero());
  return out;
}

}  // namespace tiphys::kubelet
