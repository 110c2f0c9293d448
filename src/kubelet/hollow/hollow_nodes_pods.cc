// The part of HollowNodes that is about pods.
#include "base/log.h"
#include "client/object_key.h"
#include "kinds/pods.h"
#include "kubelet/hollow/hollow_nodes.h"

namespace tiphys::kubelet {
namespace {

// Of pods whose node has no podCIDR, or no room in it: shared address space (RFC 6598).
constexpr std::string_view kSharedRange = "100.64.0.0/10";
constexpr size_t kMaxRangesOfNode = 2;  // as the API has it: one an IP family
constexpr size_t kMaxRanges = 2 * kMaxHollowNodes + 1;

const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }

}  // namespace

void HollowNodes::on_pod(const ObjectPtr& old, const ObjectPtr& now) {
  if (old && (!now || uid_of(*old) != uid_of(*now))) forget_pod(*old);
  if (!now || find_up(core_v1::Pod(*now).spec().node_name()) == nullptr) return;
  auto state = states_.find(std::string(uid_of(*now)));
  if (state != states_.end() && state->second.written == resource_version_of(*now)) return;
  pod_lane_.queue.add_after(client::object_key(*now), options_.reaction);
}

void HollowNodes::forget_pod(const Object& pod) {
  auto found = states_.find(std::string(uid_of(pod)));
  if (found == states_.end()) return;
  for (auto& [range, ip] : found->second.ips) range->give_back(ip);
  states_.erase(found);
  pod_lane_.queue.forget(client::object_key(pod));
}

PodAddresses* HollowNodes::range(std::string_view cidr) {
  auto found = ranges_.find(cidr);
  if (found != ranges_.end()) return &found->second;
  if (ranges_.size() >= kMaxRanges) return nullptr;
  std::optional<PodAddresses> made = PodAddresses::create(cidr);
  if (!made) return nullptr;
  return &ranges_.emplace(cidr, *std::move(made)).first->second;
}

std::vector<PodAddresses*> HollowNodes::ranges_of(const HollowNode& node) {
  std::vector<PodAddresses*> out;
  auto add = [&](std::string_view cidr) {
    PodAddresses* found = out.size() < kMaxRangesOfNode ? range(cidr) : nullptr;
    if (found != nullptr) out.push_back(found);
  };
  if (ObjectPtr object = present(node)) {
    for (std::string_view cidr : core_v1::Node(*object).spec().pod_cidrs()) add(cidr);
  }
  if (PodAddresses* shared = range(kSharedRange)) out.push_back(shared);
  return out;
}

// What the status shows already stays; else one of each of the node's ranges, or of the shared one.
void HollowNodes::assign_ips(core_v1::Pod pod, const HollowNode& node, PodState& state) {
  if (pod.spec().host_network()) return;
  std::vector<std::string> ips;
  std::vector<PodAddresses*> ranges = ranges_of(node);
  for (core_v1::PodIP shown : pod.status().pod_ips()) {
    if (ips.size() >= kMaxRangesOfNode) break;
    ips.emplace_back(shown.ip());
    for (PodAddresses* range : ranges) {
      if (range->keep(ips.back())) state.ips.emplace_back(range, ips.back());
    }
  }
  if (ips.empty()) {
    for (size_t i = 0; i < ranges.size(); ++i) {
      if (i + 1 == ranges.size() && !ips.empty()) break;
      std::optional<std::string> ip = ranges[i]->take();
      if (!ip) continue;
      state.ips.emplace_back(ranges[i], *ip);
      ips.push_back(*std::move(ip));
    }
  }
  state.model.set_ips(std::move(ips));
}

HollowNodes::PodState& HollowNodes::state_of(const Object& object, const HollowNode& node) {
  core_v1::Pod pod(object);
  auto [found, added] = states_.try_emplace(std::string(uid_of(object)), pod);
  if (added) assign_ips(pod, node, found->second);
  return found->second;
}

Task<Result<ObjectPtr>> HollowNodes::write_status(ObjectPtr wanted) {
  Result<ObjectPtr> written = co_await pod_client_.update(pods(), wanted, "status");
  if (written && !*written) co_return ApiStatus::internal("the server answered with nothing");
  if (!written) co_return written;
  auto state = states_.find(std::string(uid_of(**written)));
  if (state != states_.end()) state->second.written = resource_version_of(**written);
  co_return written;
}

Task<void> HollowNodes::tend_pod(std::string key) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = pods_.get(ns, name);
  if (!object) co_return;
  core_v1::Pod pod(*object);
  HollowNode* node = find_up(pod.spec().node_name());
  if (node == nullptr) co_return;
  if (is_deleting(*object)) {
    co_await finish_pod(object, *node);
    co_return;
  }
  if (kinds::is_finished(pod)) co_return;
  HollowPod& model = state_of(*object, *node).model;
  std::optional<Duration> next = model.advance(pod, options_.behaviour, loop_.wall());
  ObjectPtr wanted = model.with_status(*object, node->address, false, loop_.wall());
  if (next) pod_lane_.queue.add_after(key, *next);
  if (equal(core_v1::Pod(*wanted).status(), pod.status())) {
    pod_lane_.queue.forget(key);
    co_return;
  }
  Result<ObjectPtr> written = co_await write_status(wanted);
  settle(key, written);
}

// What failed is tried again; a pod that is gone is nobody's.
void HollowNodes::settle(const std::string& key, const Result<ObjectPtr>& written) {
  if (written || written.error().is_not_found()) return pod_lane_.queue.forget(key);
  LOG_V(2, "Can't write about a pod, will retry", {"pod", key}, {"err", written.error()});
  pod_lane_.queue.add_rate_limited(key);
}

// The containers end, the status says so, and then the object may go.
Task<void> HollowNodes::finish_pod(ObjectPtr object, const HollowNode& node) {
  std::string key = client::object_key(*object);
  if (!kinds::is_finished(core_v1::Pod(*object))) {
    HollowPod& model = state_of(*object, node).model;
    core_v1::Pod pod(*object);
    std::optional<Duration> wait = model.end(pod, options_.stop_after, loop_.wall());
    ObjectPtr wanted = model.with_status(*object, node.address, !wait, loop_.wall());
    if (wait) pod_lane_.queue.add_after(key, *wait);
    if (!equal(core_v1::Pod(*wanted).status(), pod.status())) {
      Result<ObjectPtr> written = co_await write_status(wanted);
      settle(key, written);
      if (!written) co_return;
    }
    if (wait) co_return;
  }
  client::DeleteOptions options;
  options.grace_period_seconds = 0;
  options.uid = uid_of(*object);
  Result<ObjectPtr> gone = co_await pod_client_.remove(pods(), std::string(namespace_of(*object)),
                                                       std::string(name_of(*object)), options);
  // Another pod of that name: its own event came, or comes.
  ObjectPtr there = pods_.get(namespace_of(*object), name_of(*object));
  if (!gone && gone.error().is_conflict() && (!there || uid_of(*there) != uid_of(*object))) {
    co_return;
  }
  settle(key, gone);
}

}  // namespace tiphys::kubelet
