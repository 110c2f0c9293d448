#include "scheduler/snapshot.h"

#include <algorithm>

#include "kinds/apps_v1.h"

namespace tiphys::scheduler {
namespace {

// One node of each zone in turn, so that a partial look at the list sees all zones.
std::vector<const NodeInfo*> interleave(std::vector<const NodeInfo*> nodes) {
  std::map<std::string_view, std::vector<const NodeInfo*>> zones;
  for (const NodeInfo* node : nodes) zones[node->zone].push_back(node);
  std::vector<const NodeInfo*> order;
  for (size_t round = 0; order.size() < nodes.size(); ++round) {
    for (const auto& [zone, members] : zones) {
      if (round < members.size()) order.push_back(members[round]);
    }
  }
  return order;
}

struct Owner {
  std::string ns;
  std::string name;
  std::optional<LabelMatch> match;  // nullopt: selects nothing
};

Owner owner_of(const Object& object) {
  std::string_view kind = object.gvk() ? object.gvk()->kind : "";
  if (kind == "Service" || kind == "ReplicationController") {
    core_v1::Service service(object.root());
    core_v1::ReplicationController controller(object.root());
    bool is_service = kind == "Service";
    meta_v1::ObjectMeta meta = is_service ? service.metadata() : controller.metadata();
    Labels map = is_service ? service.spec().selector() : controller.spec().selector();
    Owner owner{std::string(meta.namespace_()), std::string(meta.name()), std::nullopt};
    if (!map.empty()) owner.match = from_map(map);
    return owner;
  }
  if (kind == "StatefulSet") {
    apps_v1::StatefulSet set(object);
    return {std::string(set.metadata().namespace_()), std::string(set.metadata().name()),
            from_label_selector(set.spec().has_selector(), set.spec().selector())};
  }
  apps_v1::ReplicaSet set(object);
  return {std::string(set.metadata().namespace_()), std::string(set.metadata().name()),
          from_label_selector(set.spec().has_selector(), set.spec().selector())};
}

void append(LabelMatch& to, const LabelMatch& from) {
  to.requirements.insert(to.requirements.end(), from.requirements.begin(), from.requirements.end());
}

}  // namespace

const std::vector<const NodeInfo*>& Snapshot::nodes() const {
  if (!order_stale_) return order_;
  order_.clear();
  for (const auto& node : slots_) {
    if (node && node->object) order_.push_back(node.get());
  }
  order_ = interleave(std::move(order_));
  order_stale_ = false;
  return order_;
}

const NodeInfo* Snapshot::find(std::string_view name) const {
  auto at = by_name_.find(std::string(name));
  if (at == by_name_.end()) return nullptr;
  const NodeInfo* node = slots_[static_cast<size_t>(at->second)].get();
  return node->object ? node : nullptr;
}

int Snapshot::nodes_with_image(const std::string& image) const {
  auto at = image_nodes_.find(image);
  return at == image_nodes_.end() ? 0 : at->second;
}

NodeInfo& Snapshot::ensure(std::string_view name) {
  auto [at, added] = by_name_.try_emplace(std::string(name), 0);
  if (!added) return *slots_[static_cast<size_t>(at->second)];
  int slot = static_cast<int>(slots_.size());
  if (free_slots_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  at->second = slot;
  std::unique_ptr<NodeInfo>& node = slots_[static_cast<size_t>(slot)];
  node = std::make_unique<NodeInfo>();
  node->slot = slot;
  node->name = name;
  return *node;
}

void Snapshot::drop_if_empty(NodeInfo& node) {
  if (node.object || !node.pods.empty() || !node.nominated.empty()) return;
  int slot = node.slot;
  by_name_.erase(node.name);
  slots_[static_cast<size_t>(slot)].reset();
  free_slots_.push_back(slot);
}

void Snapshot::count_images(const NodeInfo& node, int by) {
  for (const auto& [name, bytes] : node.images) {
    int& count = image_nodes_[name];
    count += by;
    if (count <= 0) image_nodes_.erase(name);
  }
}

void Snapshot::set_node(ObjectPtr object) {
  NodeInfo& node = ensure(core_v1::Node(*object).metadata().name());
  std::string old_zone(node.zone);
  bool was_there = node.object != nullptr;
  count_images(node, -1);
  node.set_object(std::move(object));
  count_images(node, 1);
  topology_.node_changed(node);
  if (!was_there || old_zone != node.zone) order_stale_ = true;
}

void Snapshot::remove_node(std::string_view name) {
  auto at = by_name_.find(std::string(name));
  if (at == by_name_.end()) return;
  NodeInfo& node = *slots_[static_cast<size_t>(at->second)];
  count_images(node, -1);
  node.set_object(nullptr);
  topology_.node_changed(node);
  order_stale_ = true;
  drop_if_empty(node);
}

void Snapshot::add_pod(const PodPtr& pod, std::string_view node_name) {
  NodeInfo& node = ensure(node_name);
  node.add_pod(pod);
  ++priorities_[pod->priority];
  topology_.pod_moved(*pod, node, 1);
  volumes_.pod_moved(*pod, node.name, 1);
}

bool Snapshot::remove_pod(std::string_view uid, std::string_view node_name) {
  auto at = by_name_.find(std::string(node_name));
  if (at == by_name_.end()) return false;
  NodeInfo& node = *slots_[static_cast<size_t>(at->second)];
  PodPtr pod = node.remove_pod(uid);
  if (!pod) return false;
  if (--priorities_[pod->priority] == 0) priorities_.erase(pod->priority);
  topology_.pod_moved(*pod, node, -1);
  volumes_.pod_moved(*pod, node.name, -1);
  drop_if_empty(node);
  return true;
}

void Snapshot::nominate(const PodPtr& pod, std::string_view node_name) {
  ensure(node_name).nominated.push_back(pod);
  ++nominations_;
}

void Snapshot::drop_nomination(std::string_view uid, std::string_view node_name) {
  auto at = by_name_.find(std::string(node_name));
  if (at == by_name_.end()) return;
  NodeInfo& node = *slots_[static_cast<size_t>(at->second)];
  nominations_ -= std::erase_if(node.nominated, [&](const PodPtr& pod) { return pod->uid == uid; });
  drop_if_empty(node);
}

void Snapshot::set_owner(const ObjectPtr& old, const ObjectPtr& now) {
  const Object& object = now ? *now : *old;
  Owner owner = owner_of(object);
  std::string_view kind = object.gvk() ? object.gvk()->kind : "";
  auto& by_namespace = kind == "Service" ? services_ : controllers_;
  std::string name = kind == "Service" ? owner.name : std::string(kind) + "/" + owner.name;
  auto& members = by_namespace[owner.ns];
  members.erase(name);
  if (now && owner.match) members.emplace(name, *owner.match);
  if (members.empty()) by_namespace.erase(owner.ns);
}

std::optional<LabelMatch> Snapshot::owner_match(const PodInfo& pod) const {
  LabelMatch match;
  std::string ns(pod.ns);
  if (auto services = services_.find(ns); services != services_.end()) {
    for (const auto& [name, selector] : services->second) {
      if (selector.matches(pod.labels)) append(match, selector);
    }
  }
  auto controllers = controllers_.find(ns);
  for (meta_v1::OwnerReference owner : pod.view().metadata().owner_references()) {
    if (!owner.controller() || controllers == controllers_.end()) continue;
    auto at = controllers->second.find(std::string(owner.kind()) + "/" + std::string(owner.name()));
    if (at != controllers->second.end()) append(match, at->second);
  }
  if (match.requirements.empty()) return std::nullopt;
  return match;
}

}  // namespace tiphys::scheduler
