#include "kubelet/pods/container_status.h"

#include <algorithm>

#include "kinds/pods.h"
#include "kubelet/pods/restart_policy.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kScheme = "containerd://";
constexpr std::string_view kLost =
    "The container could not be located when the pod was deleted.  The container used to be "
    "Running";
constexpr std::string_view kLostAtEnd =
    "The container could not be located when the pod was terminated";

std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  return text.substr(0, limit);
}

class Writer {
 public:
  Writer(const StatusInput& in, ContainerPlace place, core_v1::ContainerStatus old)
      : in_(in), spec_(in.pod.spec()), kind_(place.kind), old_(old) {
    container_ = container_at(spec_, place);
    sidecar_ = kind_ == ContainerKind::kInit && kinds::is_sidecar(container_);
    size_t count = spec_.containers().size() + spec_.init_containers().size() +
                   spec_.ephemeral_containers().size();
    message_limit_ = kMaxPodMessageBytes / count;
  }

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
    if (current && current->user) write_user(*current->user, out.edit_user().edit_linux());
  }

 private:
  const Why* waiting() const {
    auto found = in_.waiting->find(std::string(container_.name()));
    return found == in_.waiting->end() ? nullptr : &found->second;
  }

  // What a container waits for that was never tried to start.
  Why first_wait() const {
    return {spec_.init_containers().empty() ? "ContainerCreating" : "PodInitializing", ""};
  }

  void write_waiting(core_v1::ContainerStateEdit state, const Why& why) {
    state.edit_waiting().set_reason(why.reason);
    state.edit_waiting().set_message(why.message);
  }

  void write_terminated(const ContainerRecord& c, core_v1::ContainerStateEdit state) {
    core_v1::ContainerStateTerminatedEdit out = state.edit_terminated();
    out.set_exit_code(c.exit_code);
    std::string fallback = c.exit_code == 0 ? "Completed" : "Error";
    out.set_reason(c.reason.empty() ? fallback : c.reason);
    out.set_message(cut(c.message, message_limit_));
    if (c.started > 0) out.set_started_at(whole_seconds(c.started));
    if (c.finished > 0) out.set_finished_at(whole_seconds(c.finished));
    out.set_container_id(std::string(kScheme) + c.id);
  }

  void write_lost(core_v1::ContainerStateEdit state, std::string_view message) {
    core_v1::ContainerStateTerminatedEdit ended = state.edit_terminated();
    ended.set_exit_code(137);
    ended.set_reason("ContainerStatusUnknown");
    ended.set_message(message);
  }

  bool will_restart(const ContainerRecord& c) const {
    if (in_.killed || in_.failed || kind_ == ContainerKind::kEphemeral) return false;
    if (in_.pod.metadata().has_deletion_timestamp()) return false;
    if (kind_ == ContainerKind::kInit && !sidecar_ && c.exit_code == 0) return false;
    return c.restart_due || restarts(spec_, container_, c.exit_code);
  }

  void write_known(const ContainerRecord& c, core_v1::ContainerStatusEdit out) {
    out.set_image_id(c.image_id);
    out.set_container_id(std::string(kScheme) + c.id);
    out.set_restart_count(static_cast<int32_t>(c.attempt));
    const Why* why = waiting();
    bool starting = in_.starting && in_.starting->contains(c.id);
    if (c.state == ContainerState::kRunning && !starting) {
      write_running(c, out);
    } else if (c.state == ContainerState::kExited && c.restart_due && will_restart(c)) {
      // The API takes no end back that the pod's restartPolicy would leave as it is.
      Why next = why ? *why : first_wait();
      write_ended(c, &next, out);
    } else if (c.state == ContainerState::kExited) {
      write_ended(c, will_restart(c) ? why : nullptr, out);
    } else if (c.state == ContainerState::kUnknown && old_.state().has_running()) {
      write_lost(out.edit_state(), kLostAtEnd);
    } else {
      write_waiting(out.edit_state(), why && !starting ? *why : first_wait());
      write_previous(out);
    }
    if (!out.view().has_started() && kind_ != ContainerKind::kEphemeral) out.set_started(false);
  }

  void write_running(const ContainerRecord& c, core_v1::ContainerStatusEdit out) {
    out.edit_state().edit_running().set_started_at(whole_seconds(c.started));
    write_previous(out);
    if (kind_ == ContainerKind::kEphemeral) return;  // never ready, as it serves nobody
    auto found = in_.probes->find(c.id);
    ProbeState probe = found == in_.probes->end() ? ProbeState() : found->second;
    out.set_started(probe.started);
    out.set_ready(probe.started && probe.ready && (kind_ == ContainerKind::kMain || sidecar_));
  }

  // With `why` it waits to be started again.
  void write_ended(const ContainerRecord& c, const Why* why, core_v1::ContainerStatusEdit out) {
    if (why) {
      write_waiting(out.edit_state(), *why);
      write_terminated(c, out.edit_last_state());
      return;
    }
    write_terminated(c, out.edit_state());
    // An init container that did its work is ready.
    out.set_ready(kind_ == ContainerKind::kInit && !sidecar_ && c.exit_code == 0);
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

  // The runtime has nothing of it.
  void write_unknown(core_v1::ContainerStatusEdit out) {
    if (kind_ != ContainerKind::kEphemeral) out.set_started(false);
    bool over = in_.killed || in_.failed || kinds::is_terminal(in_.pod.status().phase());
    const Why* why = waiting();
    if (old_.has_state() && (over || (old_.state().has_terminated() && !why))) {
      keep_old(out);
      return;
    }
    write_waiting(out.edit_state(), why ? *why : first_wait());
    out.set_restart_count(old_.restart_count());
    if (old_.last_state().has_terminated()) out.set_last_state(old_.last_state());
    if (old_.state().has_terminated()) {
      out.edit_last_state().set_terminated(old_.state().terminated());
    }
    if (old_.state().has_running() && !old_.last_state().has_terminated()) {
      write_lost(out.edit_last_state(), kLost);
      out.set_restart_count(old_.restart_count() + 1);
    }
  }

  // Its container was removed: how it ended is only known to the API.
  void keep_old(core_v1::ContainerStatusEdit out) {
    out.set_restart_count(old_.restart_count());
    out.set_image_id(old_.image_id());
    out.set_container_id(old_.container_id());
    out.set_last_state(old_.last_state());
    if (old_.state().has_terminated()) {
      out.set_state(old_.state());
      out.set_ready(old_.ready() && kind_ == ContainerKind::kInit);
    } else if (old_.state().has_waiting()) {
      out.set_state(old_.state());
    } else {
      write_lost(out.edit_state(), kLostAtEnd);
    }
  }

  static void write_user(const ContainerUser& user, core_v1::LinuxContainerUserEdit out) {
    out.set_uid(user.uid);
    out.set_gid(user.gid);
    for (int64_t group : user.supplemental_groups) out.edit_supplemental_groups().append(group);
  }

  void write_resources(core_v1::ContainerStatusEdit out) {
    if (out.view().has_container_id()) write_amounts(out);
    for (core_v1::VolumeMount mount : container_.volume_mounts()) {
      core_v1::VolumeMountStatusEdit one = out.edit_volume_mounts().append();
      one.set_name(mount.name());
      one.set_mount_path(mount.mount_path());
      one.set_read_only(mount.read_only());
      if (mount.read_only()) one.set_recursive_read_only("Disabled");
    }
  }

  // What it was promised, and what it has: the same unless it runs and is being resized.
  void write_amounts(core_v1::ContainerStatusEdit out) {
    core_v1::ResourceRequirements wanted = container_.resources();
    Amounts allocated = noted(in_.resize.allocated, amounts_of(wanted));
    bool runs = out.view().state().has_running();
    Amounts actual = runs ? noted(in_.resize.actuated, allocated) : allocated;
    if (!wanted.has_requests() && !wanted.has_limits() && actual.requests.empty() &&
        actual.limits.empty()) {
      return;
    }
    core_v1::ResourceRequirementsEdit shown = out.edit_resources();
    for (const auto& [name, amount] : actual.requests) shown.edit_requests().set(name, amount);
    for (const auto& [name, amount] : actual.limits) shown.edit_limits().set(name, amount);
    if (wanted.has_claims()) shown.set_claims(wanted.claims());
    for (const auto& [name, amount] : allocated.requests) {
      out.edit_allocated_resources().set(name, amount);
    }
  }

  Amounts noted(const Allocation* all, Amounts otherwise) const {
    if (!all) return otherwise;
    auto found = all->find(container_.name());
    return found == all->end() ? otherwise : found->second;
  }

  const StatusInput& in_;
  core_v1::PodSpec spec_;
  ContainerKind kind_;
  core_v1::ContainerStatus old_;
  core_v1::Container container_;
  bool sidecar_ = false;
  size_t message_limit_ = 0;
};

void write_list(const StatusInput& in, ContainerKind kind, size_t size,
                ListView<core_v1::ContainerStatus> old,
                ListEdit<core_v1::ContainerStatusEdit> out) {
  for (size_t i = 0; i < size; ++i) {
    ContainerPlace place{kind, i};
    std::string_view name = container_at(in.pod.spec(), place).name();
    Writer(in, place, find_status(old, name)).write(out.append());
  }
}

}  // namespace

core_v1::ContainerStatus find_status(ListView<core_v1::ContainerStatus> list,
                                     std::string_view name) {
  for (core_v1::ContainerStatus status : list) {
    if (status.name() == name) return status;
  }
  return {};
}

void write_container_statuses(const StatusInput& in, core_v1::PodStatusEdit status) {
  core_v1::PodStatus old = in.pod.status();  // another tree: the draft's lists can be rewritten
  core_v1::PodSpec spec = in.pod.spec();
  status.clear_init_container_statuses();
  status.clear_container_statuses();
  status.clear_ephemeral_container_statuses();
  if (!spec.init_containers().empty()) {
    write_list(in, ContainerKind::kInit, spec.init_containers().size(),
               old.init_container_statuses(), status.edit_init_container_statuses());
  }
  write_list(in, ContainerKind::kMain, spec.containers().size(), old.container_statuses(),
             status.edit_container_statuses());
  if (!spec.ephemeral_containers().empty()) {
    write_list(in, ContainerKind::kEphemeral, spec.ephemeral_containers().size(),
               old.ephemeral_container_statuses(), status.edit_ephemeral_container_statuses());
  }
}

}  // namespace tiphys::kubelet
