#include "scheduler/cluster_view.h"

#include "kinds/metadata.h"

namespace tiphys::scheduler {
namespace {

bool is_terminal(const core_v1::Pod& pod) {
  return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}

template <class Map>
bool same_map(const Map& a, const Map& b) {
  return equal(Value::of_node(ValueType::kMap, const_cast<Node*>(&a.node())),
               Value::of_node(ValueType::kMap, const_cast<Node*>(&b.node())));
}

// A change of a waiting pod that the scheduler cares about: not its own note in the status.
bool same_wish(const Object& a, const Object& b) {
  core_v1::Pod before(a), after(b);
  return equal(before.spec(), after.spec()) &&
         same_map(before.metadata().labels(), after.metadata().labels()) &&
         before.metadata().has_deletion_timestamp() == after.metadata().has_deletion_timestamp();
}

// A change of a node that decisions depend on: heartbeats are none.
bool same_offer(const Object& a, const Object& b) {
  core_v1::Node before(a), after(b);
  return equal(before.spec(), after.spec()) &&
         same_map(before.metadata().labels(), after.metadata().labels()) &&
         same_map(before.status().allocatable(), after.status().allocatable()) &&
         equal(
             Value::of_node(ValueType::kList, const_cast<Node*>(&before.status().images().node())),
             Value::of_node(ValueType::kList, const_cast<Node*>(&after.status().images().node())));
}

// Whether the change of an object that pods depend on is none to them.
bool same_to_decisions(std::string_view kind, const Object& a, const Object& b) {
  if (kind == "Node") return same_offer(a, b);
  if (kind == "Namespace") return same_map(metadata(a).labels(), metadata(b).labels());
  return kind == "VolumeAttachment" &&
         equal(storage_v1::VolumeAttachment(a).spec(), storage_v1::VolumeAttachment(b).spec());
}

bool tells_resources(const core_v1::Pod& pod) {
  for (core_v1::ContainerStatus status : pod.status().container_statuses()) {
    if (status.has_resources()) return true;
  }
  for (core_v1::ContainerStatus status : pod.status().init_container_statuses()) {
    if (status.has_resources()) return true;
  }
  return false;
}

// Of pods with the same spec: a resize in place may make a difference, nothing else of a status.
bool same_requests(const Object& a, const Object& b) {
  core_v1::Pod before(a), after(b);
  if (!tells_resources(before) && !tells_resources(after)) return true;
  return pod_requests(before) == pod_requests(after) &&
         pod_nonzero_requests(before) == pod_nonzero_requests(after);
}

}  // namespace

ClusterView::ClusterView(Loop& loop, client::InformerFactory& factory, const Profiles& profiles,
                         SchedulingQueue::Options queue, std::function<void()> changed)
    : loop_(loop),
      profiles_(profiles),
      changed_(std::move(changed)),
      queue_(queue),
      pods_(factory.informer(*schema::find_resource("", "v1", "pods"))) {
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { on_pod(old, now); });
  for (const SnapshotFeed& feed : snapshot_feeds()) {
    factory.informer(*feed.resource)
        .add_handler([this, &feed](const ObjectPtr& old, const ObjectPtr& now) {
          on_object(feed, old, now);
        });
  }
}

void ClusterView::on_object(const SnapshotFeed& feed, const ObjectPtr& old, const ObjectPtr& now) {
  std::string_view kind = feed.resource->kind;
  if (old && now && same_to_decisions(kind, *old, *now)) return;
  feed.apply(cache_.snapshot(), old, now);
  note_event(kind, !old ? "Add" : now ? "Update" : "Delete");
  if (kind == "Node") {
    note_node(now ? std::string(name_of(*now)) : "");
    if (!now) binder_(std::string(name_of(*old)));
  } else if (kind == "Namespace") {
    note_node("");
  } else if (kind == "CSINode" && now) {
    note_node(std::string(name_of(*now)));
  } else if (kind == "VolumeAttachment" && !now) {
    note_node(std::string(storage_v1::VolumeAttachment(*old).spec().node_name()));
  } else if (changed_volumes_.note(kind, old, now, cache_.snapshot().volumes())) {
    for (const std::string& claim : claims_concerned(kind, old, now)) binder_(claim);
    changed_();
  }
}

void ClusterView::note_node(const std::string& name) {
  if (!name.empty()) changed_nodes_.insert(name);
  cluster_changed_ = true;
  changed_();
}

void ClusterView::note_moved(const PodPtr& pod, const std::string& node, bool left) {
  note_event("AssignedPod", left ? "Delete" : "Add");
  if (left) {
    changed_nodes_.insert(node);
    // Pods that wait for its claims may run elsewhere too.
    for (const PodClaim& claim : pod->claims) changed_volumes_.note_claim(claim.key);
  }
  moved_.push_back(pod);
  if (moved_.size() > kMaxMoved) {
    moved_.clear();
    cluster_changed_ = true;
  }
  changed_();
}

void ClusterView::pod_gone(const std::string& uid) {
  queue_.forget(uid, loop_.mono());
  PodPtr pod = cache_.pod(uid);
  std::string node = cache_.remove_pod(uid);
  if (pod) {
    note_moved(pod, node, true);
    binder_(uid);
  } else if (!node.empty()) {
    note_node(node);  // room was kept there
  }
}

void ClusterView::on_unassigned(const ObjectPtr& old, const ObjectPtr& now) {
  core_v1::Pod pod(*now);
  std::string uid(pod.metadata().uid());
  if (pod.metadata().has_deletion_timestamp()) return pod_gone(uid);
  const Profile* profile = profiles_.find(pod.spec().scheduler_name());
  if (profile == nullptr) return;
  if (cache_.knows(uid) && !queue_.waits(uid)) return;  // bound, as informers will tell
  bool same = old && same_wish(*old, *now);
  std::string_view nominated = pod.status().nominated_node_name();
  if (same && core_v1::Pod(*old).status().nominated_node_name() == nominated) return;
  auto waiting = std::make_shared<PodInfo>(now);
  waiting->gated = waiting->gated && profile->holds_gated;
  note_nomination(old, waiting);
  if (same) return;
  queue_.add(waiting, loop_.mono());
  changed_();
}

// A nomination that stands in the API: from before a restart, or somebody else's.
void ClusterView::note_nomination(const ObjectPtr& old, const PodPtr& waiting) {
  std::string before(old ? core_v1::Pod(*old).status().nominated_node_name() : "");
  std::string now(waiting->view().status().nominated_node_name());
  if (before == now || cache_.knows(waiting->uid)) return;
  std::string kept = cache_.drop_nomination(waiting->uid);
  if (!now.empty()) cache_.nominate(waiting, now);
  if (!kept.empty() && kept != now) note_node(kept);
}

void ClusterView::on_pod(const ObjectPtr& old, const ObjectPtr& now) {
  if (!now || is_terminal(core_v1::Pod(*now))) {
    return pod_gone(std::string(metadata(now ? *now : *old).uid()));
  }
  if (old && metadata(*old).uid() != metadata(*now).uid()) {
    pod_gone(std::string(metadata(*old).uid()));
  }
  if (core_v1::Pod(*now).spec().node_name().empty()) return on_unassigned(old, now);
  // Placed before, and only its status moved.
  if (old && same_wish(*old, *now) && same_requests(*old, *now)) return;
  auto pod = std::make_shared<PodInfo>(now);
  queue_.forget(pod->uid, loop_.mono());
  std::string kept = cache_.nominated_node(pod->uid);
  if (!kept.empty() && kept != pod->node_name) note_node(kept);  // somebody else bound it elsewhere
  bool confirmed = cache_.is_assumed(pod->uid);
  PodPtr before = cache_.pod(pod->uid);
  std::string node_before = cache_.node_of(pod->uid);
  bool room = cache_.set_pod(pod);
  if (before && (room || !confirmed)) note_moved(before, node_before, room);
  note_moved(pod, std::string(pod->node_name), false);
}

void ClusterView::apply_changes() {
  std::vector<const NodeInfo*> nodes;
  for (const std::string& name : std::exchange(changed_nodes_, {})) {
    if (const NodeInfo* node = cache_.snapshot().find(name)) nodes.push_back(node);
  }
  bool nothing = nodes.empty() && moved_.empty() && !cluster_changed_ && changed_volumes_.empty();
  if (!nothing) {
    queue_.wake(
        loop_.mono(),
        [&](const PodInfo& pod, const std::vector<std::string_view>& rejected_by) {
          return helps(pod, rejected_by, nodes);
        },
        event_.empty() ? queue_event::kForceActivate : std::string_view(event_));
  }
  event_.clear();
  moved_.clear();
  changed_volumes_ = {};
  cluster_changed_ = false;
}

bool ClusterView::helps(const PodInfo& waiting, const std::vector<std::string_view>& rejected_by,
                        const std::vector<const NodeInfo*>& nodes) {
  // It made room and waits for it: its own nomination would hide that it fits now.
  if (cache_.is_nominated(waiting.uid)) return true;
  if (changed_volumes_.may_help(waiting, cache_.snapshot().volumes())) return true;
  // What extenders wait for, nobody knows.
  if (std::ranges::find(rejected_by, kExtenderName) != rejected_by.end()) return true;
  const Profile* profile = profiles_.find(waiting.scheduler_name);
  if (profile == nullptr) return false;
  for (const Plugin* plugin : profile->filters) {
    if (plugin->node_local || std::ranges::find(rejected_by, plugin->name) == rejected_by.end()) {
      continue;
    }
    if (cluster_changed_) return true;
    for (const PodPtr& moved : moved_) {
      bool may =
          plugin->helped_by == nullptr || plugin->helped_by(waiting, *moved, cache_.snapshot());
      if (may) return true;
    }
  }
  return !nodes.empty() && worth_a_try(waiting, nodes, cache_.snapshot(), *profile, rejected_by);
}

ObjectPtr ClusterView::pod_object(const PodInfo& pod) const {
  ObjectPtr now = pods_.get(pod.ns, pod.name);
  return now && metadata(*now).uid() == pod.uid ? now : nullptr;
}

}  // namespace tiphys::scheduler
