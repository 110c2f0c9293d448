#include "scheduler/cache.h"

namespace tiphys::scheduler {
namespace {

// What of a placed pod matters to later decisions.
bool same_for_scheduling(const PodInfo& a, const PodInfo& b) {
  return a.requests == b.requests && a.terminating == b.terminating && a.priority == b.priority &&
         equal(a.view().spec(), b.view().spec()) &&
         equal(Value::of_node(ValueType::kMap, const_cast<Node*>(&a.labels.node())),
               Value::of_node(ValueType::kMap, const_cast<Node*>(&b.labels.node())));
}

bool frees(const Resources& before, const Resources& after) {
  if (after.milli_cpu < before.milli_cpu || after.memory < before.memory) return true;
  return after.ephemeral_storage < before.ephemeral_storage || after.others != before.others;
}

}  // namespace

void Cache::nominate(const PodPtr& pod, const std::string& node) {
  drop_nomination(pod->uid);
  nominated_[pod->uid] = {pod, node};
  snapshot_.nominate(pod, node);
}

std::string Cache::drop_nomination(const std::string& uid) {
  auto at = nominated_.find(uid);
  if (at == nominated_.end()) return "";
  std::string node = std::move(at->second.node);
  nominated_.erase(at);
  snapshot_.drop_nomination(uid, node);
  return node;
}

std::vector<PodPtr> Cache::drop_nominations_below(const std::string& node, int32_t priority) {
  std::vector<PodPtr> dropped;
  for (const auto& [uid, nomination] : nominated_) {
    if (nomination.node == node && nomination.pod->priority < priority) {
      dropped.push_back(nomination.pod);
    }
  }
  for (const PodPtr& pod : dropped) drop_nomination(pod->uid);
  return dropped;
}

bool Cache::set_pod(const PodPtr& pod) {
  drop_nomination(pod->uid);
  auto [at, added] = pods_.try_emplace(pod->uid);
  Entry& entry = at->second;
  std::string node(pod->node_name);
  bool room = false;
  if (!added) {
    if (entry.assumed) --assumed_;
    entry.assumed = false;
    bool moved = entry.node != node;
    if (!moved && same_for_scheduling(*entry.pod, *pod)) return false;
    room = moved || frees(entry.pod->requests, pod->requests);
    snapshot_.remove_pod(pod->uid, entry.node);
  }
  entry.pod = pod;
  entry.node = node;
  snapshot_.add_pod(pod, node);
  return room;
}

std::string Cache::remove_pod(const std::string& uid) {
  std::string nominated = drop_nomination(uid);
  auto at = pods_.find(uid);
  if (at == pods_.end()) return nominated;
  Entry entry = std::move(at->second);
  pods_.erase(at);
  if (entry.assumed) --assumed_;
  snapshot_.remove_pod(uid, entry.node);
  return entry.node;
}

void Cache::mark_preempted(const std::string& uid, bool preempted) {
  auto at = pods_.find(uid);
  if (at == pods_.end() || at->second.pod->terminating) return;
  Entry& entry = at->second;
  auto marked = std::make_shared<PodInfo>(*entry.pod);
  marked->preempted = preempted;
  entry.pod = marked;
  snapshot_.remove_pod(uid, entry.node);
  snapshot_.add_pod(entry.pod, entry.node);
}

void Cache::assume(const PodPtr& pod, const std::string& node) {
  drop_nomination(pod->uid);
  pods_[pod->uid] = {pod, node, true};
  ++assumed_;
  snapshot_.add_pod(pod, node);
}

bool Cache::is_assumed(const std::string& uid) const {
  auto at = pods_.find(uid);
  return at != pods_.end() && at->second.assumed;
}

bool Cache::forget(const std::string& uid) {
  if (!is_assumed(uid)) return false;
  remove_pod(uid);
  return true;
}

}  // namespace tiphys::scheduler
