#include "controllers/node_lifecycle.h"

#include "controllers/node_taints.h"
#include "controllers/pod_state.h"
#include "controllers/resources.h"
#include "kinds/coordination_v1.h"

namespace tiphys::controllers {
namespace {

constexpr std::string_view kLeaseNamespace = "kube-node-lease";
constexpr std::string_view kExcluded = "node.kubernetes.io/exclude-disruption";
constexpr const char* kZonesKey = "/zones";  // no node's name
constexpr Duration kTellPodsAgain = std::chrono::seconds(1);
// A look that writes waits for the server's disk: many nodes that come back together must not wait
// for each other.
constexpr int kWorkers = 8;                      // as upstream
constexpr std::string_view kEvicts = "evicts ";  // tag: and the zone

// The Ready condition of a pod set to False because its node is gone silent; null if it isn't True.
ObjectPtr not_ready(const Object& object, MicroTime now) {
  Draft draft(object);
  core_v1::PodEdit pod(draft);
  auto conditions = pod.edit_status().edit_conditions();
  for (size_t i = 0; i < conditions.size(); ++i) {
    core_v1::PodCondition condition = conditions.view()[i];
    if (condition.type() != "Ready" || condition.status() != "True") continue;
    conditions[i].set_status("False");
    conditions[i].set_last_transition_time(now);
    return draft.freeze();
  }
  return nullptr;
}

Action status_update(const schema::Resource& of, ObjectPtr object) {
  return update_action(of, std::move(object), "status");
}

bool counts_in_zone(core_v1::Node node) { return !node.metadata().labels().contains(kExcluded); }

bool zones_differ(core_v1::Node a, core_v1::Node b) {
  return condition_status(a, "Ready") != condition_status(b, "Ready") || zone_of(a) != zone_of(b) ||
         counts_in_zone(a) != counts_in_zone(b);
}

Note node_event(const ObjectPtr& node, std::string reason, const std::string& what) {
  std::string name(name_of(*node));
  return {node, "Normal", std::move(reason), "Node " + name + " " + what};
}

Action note(Note event) {
  Action action;
  action.success = std::move(event);
  return action;
}

}  // namespace

NodeLifecycle::NodeLifecycle(Context context, Options options)
    : Controller(context, "node-lifecycle-controller", kWorkers),
      options_(options),
      nodes_(watch(nodes())),
      leases_(watch(leases())),
      pods_(watch(pods())),
      zones_(options.zones) {
  event_source_ = "node-controller";
  pods_.add_index(std::string(kByNode), node_of_pod);
  nodes_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { node_changed(old, now); });
  leases_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now) renewed(*now);
  });
}

// A node that is known and not silent needs no look before its time: that has only moved on.
void NodeLifecycle::renewed(const Object& lease) {
  if (metadata(lease).namespace_() != kLeaseNamespace) return;
  std::string name(metadata(lease).name());
  MonoTime now = context_.loop.mono();
  auto beat = heartbeats_.find(name);
  bool quiet = beat != heartbeats_.end() && beat->second.seen != MonoTime{} &&
               now < beat->second.seen + options_.grace_period;
  if (!quiet) return enqueue(std::move(name));
  MicroTime time = coordination_v1::Lease(lease).spec().renew_time();
  if (time != std::exchange(beat->second.renewed, time)) beat->second.seen = now;
}

void NodeLifecycle::node_changed(const ObjectPtr& old, const ObjectPtr& now) {
  // Zones first: they decide how the node is treated.
  bool same_zones = old && now && !zones_differ(core_v1::Node(*old), core_v1::Node(*now));
  if (!same_zones) enqueue(kZonesKey);
  enqueue(now ? *now : *old);
}

void NodeLifecycle::meet(Decision& decision, const ObjectPtr& object) {
  Heartbeat& beat = heartbeats_[std::string(name_of(*object))];
  bool known = beat.node && uid_of(*beat.node) == uid_of(*object);
  beat.node = object;
  if (known) return;
  std::string name(name_of(*object));
  decision.add(note(
      node_event(object, "RegisteredNode", "event: Registered Node " + name + " in Controller")));
}

void NodeLifecycle::part(Decision& decision, const std::string& name) {
  auto found = heartbeats_.find(name);
  if (found == heartbeats_.end()) return;
  decision.add(note(node_event(found->second.node, "RemovingNode",
                               "event: Removing Node " + name + " from Controller")));
  heartbeats_.erase(found);
}

Duration NodeLifecycle::until_silent(core_v1::Node node) {
  std::string name(node.metadata().name());
  Heartbeat& beat = heartbeats_[name];
  MicroTime renewed = 0;
  if (ObjectPtr lease = leases_.get(kLeaseNamespace, name)) {
    renewed = coordination_v1::Lease(*lease).spec().renew_time();
  }
  auto ready = find_condition(node, "Ready");
  MicroTime reported = ready ? ready->last_heartbeat_time() : 0;
  MonoTime now = context_.loop.mono();
  if (beat.seen == MonoTime{} || renewed != beat.renewed || reported != beat.reported) {
    beat.renewed = renewed;
    beat.reported = reported;
    beat.seen = now;
  }
  Duration grace = ready ? options_.grace_period : options_.startup_grace;
  return beat.seen + grace - now;
}

std::map<std::string, ZoneCount> NodeLifecycle::count_zones() const {
  std::map<std::string, ZoneCount> counts;
  for (const ObjectPtr& object : nodes_.list()) {
    core_v1::Node node(*object);
    if (!counts_in_zone(node)) continue;
    ZoneCount& count = counts[zone_of(node)];
    ++(condition_status(node, "Ready") == "True" ? count.ready : count.not_ready);
  }
  return counts;
}

void NodeLifecycle::look_at_zones() {
  std::map<std::string, ZoneCount> counts = count_zones();
  MonoTime now = context_.loop.mono();
  NodeZones::Change change = zones_.update(counts, now);
  if (change == NodeZones::Change::kNone) return;
  // We were blind: every node gets its time again.
  if (change == NodeZones::Change::kFound) {
    for (auto& [name, beat] : heartbeats_) beat.seen = now;
  }
  for (const ObjectPtr& node : nodes_.list()) enqueue(*node);
}

// A zone without nodes is a healthy one of none.
void NodeLifecycle::tell_zones() {
  std::map<std::string, ZoneCount> counts = count_zones();
  for (const std::string& zone : told_zones_) counts.try_emplace(zone);
  NodeMetrics& metrics = context_.metrics.node;
  for (const auto& [zone, count] : counts) {
    told_zones_.insert(zone);
    auto size = static_cast<double>(count.ready + count.not_ready);
    metrics.zone_size.with({zone}).set(size);
    metrics.unhealthy.with({zone}).set(static_cast<double>(count.not_ready));
    double healthy = size == 0 ? 100 : 100 * static_cast<double>(count.ready) / size;
    metrics.zone_health.with({zone}).set(healthy);
    metrics.evictions.with({zone});
  }
}

void NodeLifecycle::round_over(const std::string& key, Duration took, const ApiStatus*) {
  double seconds = std::chrono::duration<double>(took).count();
  NodeMetrics& metrics = context_.metrics.node;
  (key == kZonesKey ? metrics.zone_round : metrics.node_round).get().observe(seconds);
  if (key == kZonesKey) tell_zones();
}

void NodeLifecycle::taint(Decision& decision, const ObjectPtr& object, MicroTime now) {
  core_v1::Node node(*object);
  std::string zone = zone_of(node);
  std::optional<Duration> wait = zones_.wait(zone, context_.loop.mono());
  Evictions evictions = zones_.all_lost() ? Evictions::kNone : Evictions::kHeld;
  bool may = !zones_.all_lost() && (!counts_in_zone(node) || (wait && *wait == Duration::zero()));
  if (may) evictions = Evictions::kAllowed;
  Draft draft(*object);
  core_v1::NodeEdit edit(draft);
  bool changed = update_taints(edit, evictions, now);
  changed |= update_labels(edit);
  bool evicts = !is_evicting(node) && is_evicting(edit.view());
  bool held = should_evict(node) && !is_evicting(edit.view());
  if (held && wait && *wait > Duration::zero()) decision.look_again_in(*wait);
  if (!changed) return;
  Action action = update_action(nodes_.resource(), draft.freeze());
  // Taken before it is written: other nodes of the zone are looked at meanwhile.
  if (evicts) {
    zones_.took(zone, context_.loop.mono());
    action.tag = std::string(kEvicts) + zone;
  }
  decision.add(std::move(action));
}

void NodeLifecycle::outcome(const std::string& key, const Action& action, const ApiStatus* error) {
  if (!action.tag.starts_with(kEvicts)) return;
  std::string zone = action.tag.substr(kEvicts.size());
  if (error) {
    zones_.give_back(zone, context_.loop.mono());
  } else {
    context_.metrics.node.evictions.with({zone}).add();
  }
}

// Once: a kubelet that is back after all says itself how its pods are.
void NodeLifecycle::tell_pods(Decision& decision, core_v1::Node node, MicroTime now) {
  auto ready = find_condition(node, "Ready");
  if (!ready || ready->status() != "Unknown") return;
  std::string name(node.metadata().name());
  Heartbeat& beat = heartbeats_[name];
  if (beat.pods_marked != 0 && beat.pods_marked == ready->last_transition_time()) return;
  bool all_know = true;
  for (const ObjectPtr& pod : pods_.by_index(kByNode, name)) {
    ObjectPtr changed = not_ready(*pod, now);
    if (!changed) continue;
    all_know = false;
    Action action = status_update(pods_.resource(), changed);
    action.batch = 1;
    action.success = Note{pod, "Warning", "NodeNotReady", "Node is not ready"};
    decision.add(std::move(action));
  }
  if (all_know) {
    beat.pods_marked = ready->last_transition_time();
  } else {
    decision.look_again_in(kTellPodsAgain);
  }
}

Decision NodeLifecycle::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  if (key == kZonesKey) {
    look_at_zones();
    return decision;
  }
  ObjectPtr object = nodes_.get("", key);
  if (!object) {
    part(decision, key);
    return decision;
  }
  meet(decision, object);
  core_v1::Node node(*object);
  Duration left = until_silent(node);
  bool silent = left <= Duration::zero();
  if (!silent) decision.look_again_in(left);
  if (silent && has_live_conditions(node)) {
    Draft draft(*object);
    mark_unknown(core_v1::NodeEdit(draft), now);
    Action action = status_update(nodes_.resource(), draft.freeze());
    if (condition_status(node, "Ready") == "True") {
      action.success = node_event(object, "NodeNotReady", "status is now: NodeNotReady");
    }
    decision.add(std::move(action));
    return decision;  // taints follow once the new conditions are in the cache
  }
  taint(decision, object, now);
  tell_pods(decision, node, now);
  return decision;
}

}  // namespace tiphys::controllers
