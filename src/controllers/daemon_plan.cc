#include "controllers/daemon_plan.h"

#include <algorithm>

#include "base/strings.h"
#include "controllers/controller_revision.h"
#include "controllers/pod_control.h"
#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/pods.h"

namespace tiphys::controllers {

namespace {

bool is_doomed(const ObjectPtr& pod) { return metadata(*pod).has_deletion_timestamp(); }

// Scheduled ones first, then older ones.
bool counts_before(const ObjectPtr& a, const ObjectPtr& b) {
  auto key = [](const ObjectPtr& pod) {
    meta_v1::ObjectMeta meta = metadata(*pod);
    return std::tuple(core_v1::Pod(*pod).spec().node_name().empty(), meta.creation_timestamp(),
                      meta.name());
  };
  return key(a) < key(b);
}

std::string_view generation_of(const apps_v1::DaemonSet& set) {
  std::string_view text = set.metadata().annotations().find(kTemplateGenerationAnnotation);
  return parse_int(text) ? text : std::string_view();
}

}  // namespace

DaemonPlanner::DaemonPlanner(const DaemonWorld& world, MicroTime now)
    : world_(world),
      now_(now),
      set_(*world.daemon_set),
      generation_(generation_of(set_)),
      template_(daemon_template(set_, "")) {}

// False: objects change hands first.
bool DaemonPlanner::claim_all() {
  LabelSelector selector = selector_of(set_.spec().selector(), set_.spec().has_selector());
  bool settled = true;
  auto take = [&](const std::vector<ObjectPtr>& candidates, const schema::Resource& resource,
                  std::vector<ObjectPtr>& ours) {
    Claim claimed = claim(*world_.daemon_set, selector, candidates);
    add_claim_actions(claimed, daemon_sets(), world_.daemon_set, resource, decision_);
    settled = settled && claimed.adopt.empty() && claimed.release.empty();
    ours = std::move(claimed.ours);
  };
  take(world_.pods, pods(), pods_);
  take(world_.revisions, controller_revisions(), revisions_);
  return settled;
}

void DaemonPlanner::group_pods() {
  core_v1::PodSpec spec = core_v1::PodTemplateSpec(template_).spec();
  for (const ObjectPtr& node : world_.nodes) {
    nodes_[metadata(*node).name()] = {node, node_fit(spec, core_v1::Node(*node)), {}};
  }
  for (const ObjectPtr& object : pods_) {
    core_v1::Pod pod(*object);
    // Whoever holds a pod that has ended and is being deleted will let it go.
    if (kinds::is_finished(pod) && is_doomed(object)) continue;
    std::string_view node = target_node(pod);
    if (!node.empty()) nodes_[node].pods.push_back(object);
  }
  for (auto& [name, node] : nodes_) std::ranges::sort(node.pods, counts_before);
}

bool DaemonPlanner::updated(const Object& pod) const {
  return is_pod_updated(core_v1::Pod(pod), hash_, generation_);
}

bool DaemonPlanner::available(const ObjectPtr& pod) const {
  return is_pod_available(core_v1::Pod(*pod), set_.spec().min_ready_seconds(), now_);
}

void DaemonPlanner::manage() {
  for (auto& [name, node] : nodes_) manage_node(name, node);
}

void DaemonPlanner::manage_node(std::string_view name, const NodeState& node) {
  if (node.object && node.fit.should_run && node.pods.empty()) {
    needed_.push_back(name);
    return;
  }
  std::vector<ObjectPtr> running;
  bool waiting = false;
  for (const ObjectPtr& pod : node.pods) {
    if (is_doomed(pod)) continue;
    // Pods on nodes that are gone are collected (pod_gc.h), but those that wait for one are not.
    bool lost = !node.object && core_v1::Pod(*pod).spec().node_name().empty();
    if (lost || (node.object && !node.fit.may_stay)) {
      doomed_.push_back({pod, {}});
    } else if (node.object && must_wait(name, pod)) {
      waiting = true;
    } else if (node.object && !ends(name, pod)) {
      running.push_back(pod);
    }
  }
  if (!allows_surge()) {
    thin_out(running);
  } else if (running.size() > 1) {
    thin_out_surge(running);
  } else if (running.empty() && !waiting && node.object && node.fit.should_run) {
    needed_.push_back(name);
  }
}

// A failed pod keeps its place for as long as the back-off of its node lasts: whatever makes pods
// fail there would do the same to the next one at once.
bool DaemonPlanner::must_wait(std::string_view node, const ObjectPtr& pod) {
  if (core_v1::Pod(*pod).status().phase() != "Failed") return false;
  Duration delay = world_.failure_delay(node);
  if (delay > Duration::zero()) decision_.look_again_in(delay);
  return delay > Duration::zero();
}

// Whether a pod is over; then it is deleted.
bool DaemonPlanner::ends(std::string_view node, const ObjectPtr& pod) {
  std::string_view phase = core_v1::Pod(*pod).status().phase();
  if (!kinds::is_terminal(phase)) return false;
  doomed_.push_back({pod, phase == "Failed" ? node : std::string_view()});
  return true;
}

void DaemonPlanner::thin_out(const std::vector<ObjectPtr>& running) {
  for (size_t i = 1; i < running.size(); ++i) doomed_.push_back({running[i], {}});
}

// The oldest of each kind may stay, until the updated one can take over.
void DaemonPlanner::thin_out_surge(const std::vector<ObjectPtr>& running) {
  ObjectPtr newer;
  ObjectPtr older;
  for (const ObjectPtr& pod : running) {
    ObjectPtr& oldest = updated(*pod) ? newer : older;
    if (oldest) {
      doomed_.push_back({pod, {}});
    } else {
      oldest = pod;
    }
  }
  if (!newer || !older) return;
  if (!kinds::is_ready(core_v1::Pod(*older)) || available(newer)) doomed_.push_back({older, {}});
}

void DaemonPlanner::emit_pods() {
  doomed_.resize(std::min(doomed_.size(), kBurstDaemonPods));
  needed_.resize(std::min(needed_.size(), kBurstDaemonPods));
  for (const Doomed& doomed : doomed_) {
    core_v1::Pod pod(*doomed.pod);
    std::string phase(pod.status().phase());
    Action action = delete_pod_action(doomed.pod, world_.daemon_set);
    std::string which = std::string(pod.metadata().namespace_()) + "/" +
                        std::string(pod.metadata().name()) + " on node " +
                        std::string(target_node(pod));
    if (!doomed.failed_on.empty()) {
      decision_.add(note_action(world_.daemon_set, "Warning", "FailedDaemonPod",
                                "Found failed daemon pod " + which + ", will try to kill it"));
      action.tag = std::string(kFailedPodTag) + std::string(doomed.failed_on);
    } else if (phase == "Succeeded") {
      decision_.add(note_action(world_.daemon_set, "Normal", "SucceededDaemonPod",
                                "Found succeeded daemon pod " + which + ", will try to delete it"));
    }
    decision_.add(std::move(action));
  }
  if (needed_.empty()) return;
  Draft pod_template = daemon_template(set_, hash_);
  ObjectPtr base = pod_from_template(core_v1::PodTemplateSpec(pod_template), *world_.daemon_set);
  SlowStart start(creating_revision_ ? 1 : 0);
  for (std::string_view node : needed_) {
    Action action = create_pod_action(daemon_pod(*base, node), world_.daemon_set);
    action.batch = start.next();
    decision_.add(std::move(action));
  }
}

void DaemonPlanner::emit_status() {
  Draft draft(*world_.daemon_set);
  apps_v1::DaemonSetStatusEdit status = apps_v1::DaemonSetEdit(draft).edit_status();
  int32_t desired = 0, current = 0, misscheduled = 0, ready = 0, is_updated = 0, is_available = 0;
  std::vector<ObjectPtr> counted;
  for (auto& [name, node] : nodes_) {
    if (!node.object) continue;
    if (!node.fit.should_run) {
      misscheduled += node.pods.empty() ? 0 : 1;
      continue;
    }
    ++desired;
    if (node.pods.empty()) continue;
    ++current;
    const ObjectPtr& pod = node.pods[0];
    counted.push_back(pod);
    if (kinds::is_ready(core_v1::Pod(*pod))) {
      ++ready;
      if (available(pod)) ++is_available;
    }
    if (updated(*pod)) ++is_updated;
  }
  status.set_desired_number_scheduled(desired);
  status.set_current_number_scheduled(current);
  status.set_number_misscheduled(misscheduled);
  status.set_number_ready(ready);
  status.set_updated_number_scheduled(is_updated);
  status.set_number_available(is_available);
  status.set_number_unavailable(desired - is_available);
  status.set_observed_generation(metadata(*world_.daemon_set).generation());
  if (!equal(status.view(), set_.status())) {
    decision_.add(update_action(daemon_sets(), draft.freeze(), "status"));
  }
}

Decision DaemonPlanner::plan() {
  meta_v1::LabelSelector selector = set_.spec().selector();
  if (selector.match_labels().empty() && selector.match_expressions().empty()) {
    decision_.add(note_action(world_.daemon_set, "Warning", "SelectingAll",
                              "This daemon set is selecting all pods. A non-empty selector is "
                              "required."));
    return std::move(decision_);
  }
  // Its pods and revisions may be gone already or change hands: nothing is true about them.
  if (metadata(*world_.daemon_set).has_deletion_timestamp()) return std::move(decision_);
  if (!claim_all()) return std::move(decision_);
  if (!sync_history()) return std::move(decision_);
  group_pods();
  manage();
  bool rolling = set_.spec().update_strategy().type() == "RollingUpdate";
  if (rolling && needed_.empty() && doomed_.empty()) roll();
  look_when_available(pods_, set_.spec().min_ready_seconds(), now_, decision_);
  emit_pods();
  clean_up_history();
  emit_status();
  return std::move(decision_);
}

}  // namespace tiphys::controllers
