#include "kubelet/pods/container_status.h"

#include <algorithm>

#include "kinds/pods.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kScheme = "containerd://";

void write_terminated(const ContainerRecord& c, core_v1::ContainerStateEdit state) {
  core_v1::ContainerStateTerminatedEdit out = state.edit_terminated();
  out.set_exit_code(c.exit_code);
  std::string fallback = c.exit_code == 0 ? "Completed" : "Error";
  out.set_reason(c.reason.empty() ? fallback : c.reason);
  out.set_message(c.message);
  if (c.started > 0) out.set_started_at(whole_seconds(c.started));
  if (c.finished > 0) out.set_finished_at(whole_seconds(c.finished));
  out.set_container_id(std::string(kScheme) + c.id);
}

class Writer {
 public:
  Writer(const StatusInput& in, core_v1::Container container, bool init, bool initialized,
         core_v1::ContainerStatus old)
      : in_(in), container_(container), init_(init), initialized_(initialized), old_(old) {}

  void write(core_v1::ContainerStatusEdit out) {
    const ContainerRecord* current = in_.runtime->newest(container_.name());
    out.set_name(container_.name());
    out.set_image(current && !current->image.empty() ? std::string_view(current->image)
                                                     : container_.image());
    if (current) {
      write_known(*current, out);
    } else {
      write_unknown(out);
    }
    write_resources(out);
  }

 private:
  const Why* waiting() const {
    auto found = in_.waiting->find(std::string(container_.name()));
    return found == in_.waiting->end() ? nullptr : &found->second;
  }

  void write_waiting(core_v1::ContainerStateEdit state, const Why& why) {
    state.edit_waiting().set_reason(why.reason);
    state.edit_waiting().set_message(why.message);
  }

  void write_known(const ContainerRecord& c, core_v1::ContainerStatusEdit out) {
    out.set_image_id(c.image_id);
    out.set_container_id(std::string(kScheme) + c.id);
    out.set_restart_count(static_cast<int32_t>(c.attempt));
    const Why* why = waiting();
    if (c.state == ContainerState::kRunning) {
      write_running(c, out);
    } else if (c.state == ContainerState::kCreated) {
      write_waiting(out.edit_state(), why ? *why : Why{"ContainerCreating", ""});
      write_previous(out);
    } else if (why && !in_.killed) {
      write_waiting(out.edit_state(), *why);
      write_terminated(c, out.edit_last_state());
    } else {
      write_ended(c, out);
    }
    if (!out.view().has_started()) out.set_started(false);
  }

  void write_running(const ContainerRecord& c, core_v1::ContainerStatusEdit out) {
    out.edit_state().edit_running().set_started_at(whole_seconds(c.started));
    auto found = in_.probes->find(c.id);
    ProbeState probe = found == in_.probes->end() ? ProbeState() : found->second;
    out.set_started(probe.started);
    bool sidecar = kinds::is_sidecar(container_);
    out.set_ready(probe.started && probe.ready && (!init_ || sidecar));
    write_previous(out);
  }

  void write_ended(const ContainerRecord& c, core_v1::ContainerStatusEdit out) {
    write_terminated(c, out.edit_state());
    // An init container that did its work is ready.
    out.set_ready(init_ && !kinds::is_sidecar(container_) && c.exit_code == 0);
    write_previous(out);
  }

  void write_previous(core_v1::ContainerStatusEdit out) {
    const ContainerRecord* previous = in_.runtime->previous(container_.name());
    if (previous && previous->state == ContainerState::kExited) {
      write_terminated(*previous, out.edit_last_state());
      return;
    }
    // Removed meanwhile: the API still knows how it ended, if it isn't the current one.
    core_v1::ContainerStateTerminated old = old_.last_state().terminated();
    if (old_.last_state().has_terminated() && old.container_id() != out.view().container_id()) {
      out.set_last_state(old_.last_state());
    }
  }

  void write_unknown(core_v1::ContainerStatusEdit out) {
    out.set_started(false);
    if (old_.has_state() &&
        (in_.killed || in_.failed || kinds::is_terminal(in_.pod.status().phase()))) {
      keep_old(out);
      return;
    }
    const Why* why = waiting();
    bool creating = initialized_ && !init_;
    write_waiting(out.edit_state(),
                  why ? *why : Why{creating ? "ContainerCreating" : "PodInitializing", ""});
    out.set_restart_count(old_.restart_count());
    if (old_.last_state().has_terminated()) out.set_last_state(old_.last_state());
  }

  // Its container was removed: how it ended is only known to the API.
  void keep_old(core_v1::ContainerStatusEdit out) {
    out.set_restart_count(old_.restart_count());
    out.set_image_id(old_.image_id());
    out.set_container_id(old_.container_id());
    out.set_last_state(old_.last_state());
    if (old_.state().has_terminated()) {
      out.set_state(old_.state());
      out.set_ready(old_.ready() && init_);
      return;
    }
    if (old_.state().has_waiting()) {
      out.set_state(old_.state());
      return;
    }
    core_v1::ContainerStateTerminatedEdit ended = out.edit_state().edit_terminated();
    ended.set_exit_code(137);
    ended.set_reason("ContainerStatusUnknown");
    ended.set_message("The container could not be located when the pod was terminated");
  }

  void write_resources(core_v1::ContainerStatusEdit out) {
    core_v1::ResourceRequirements resources = container_.resources();
    bool ran = out.view().has_container_id();
    if (ran && (resources.has_requests() || resources.has_limits())) {
      out.set_resources(resources);
      auto allocated = out.edit_allocated_resources();
      for (auto [name, quantity] : resources.requests()) allocated.set(name, quantity);
      if (allocated.empty()) out.clear_allocated_resources();
    }
    for (core_v1::VolumeMount mount : container_.volume_mounts()) {
      core_v1::VolumeMountStatusEdit one = out.edit_volume_mounts().append();
      one.set_name(mount.name());
      one.set_mount_path(mount.mount_path());
      one.set_read_only(mount.read_only());
      if (mount.read_only()) one.set_recursive_read_only("Disabled");
    }
  }

  const StatusInput& in_;
  core_v1::Container container_;
  bool init_;
  bool initialized_;
  core_v1::ContainerStatus old_;
};

core_v1::ContainerStatus find_old(ListView<core_v1::ContainerStatus> list, std::string_view name) {
  for (core_v1::ContainerStatus status : list) {
    if (status.name() == name) return status;
  }
  return {};
}

}  // namespace

void write_container_statuses(const StatusInput& in, core_v1::PodStatusEdit status) {
  core_v1::PodStatus old = in.pod.status();  // another tree: the draft's lists can be rewritten
  core_v1::PodSpec spec = in.pod.spec();
  bool initialized = true;
  status.clear_init_container_statuses();
  for (core_v1::Container c : spec.init_containers()) {
    core_v1::ContainerStatusEdit out = status.edit_init_container_statuses().append();
    Writer(in, c, true, false, find_old(old.init_container_statuses(), c.name())).write(out);
    if (!(kinds::is_sidecar(c) ? out.view().started() : out.view().ready())) initialized = false;
  }
  status.clear_container_statuses();
  for (core_v1::Container c : spec.containers()) {
    core_v1::ContainerStatusEdit out = status.edit_container_statuses().append();
    Writer(in, c, false, initialized, find_old(old.container_statuses(), c.name())).write(out);
  }
}

}  // namespace tiphys::kubelet
