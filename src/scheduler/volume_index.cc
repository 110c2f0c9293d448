#include "scheduler/volume_index.h"

#include "kinds/metadata.h"

namespace tiphys::scheduler {
namespace {

template <class Map>
auto* find_in(Map& map, std::string_view key) {
  auto at = map.find(key);
  return at == map.end() ? nullptr : &at->second;
}

// Lists of names under keys; empty lists go.
template <class Map>
void list_under(Map& lists, std::string_view key, const std::string& name) {
  if (!key.empty()) lists.try_emplace(std::string(key)).first->second.insert(name);
}
template <class Map>
void drop_under(Map& lists, std::string_view key, std::string_view name) {
  auto at = lists.find(key);
  if (at == lists.end()) return;
  if (auto entry = at->second.find(name); entry != at->second.end()) at->second.erase(entry);
  if (at->second.empty()) lists.erase(at);
}

template <class Map>
void assume_in(Map& all, const std::string& what, const std::string& to) {
  auto& assumed = all.try_emplace(what).first->second;
  if (assumed.plans++ == 0) assumed.to = to;
}
template <class Map>
void take_back_in(Map& all, const std::string& what) {
  auto at = all.find(what);
  if (at != all.end() && --at->second.plans <= 0) all.erase(at);
}

}  // namespace

void VolumeIndex::set_claim(const ObjectPtr& old, const ObjectPtr& now) {
  std::string key = key_of(now ? *now : *old);
  if (auto known = claims_.find(key); known != claims_.end()) {
    drop_under(claims_on_, known->second.volume_name, key);
    claims_.erase(known);
  }
  if (now) {
    const Claim& claim = claims_.emplace(key, Claim(now)).first->second;
    list_under(claims_on_, claim.volume_name, key);
  }
  refresh(key);
}

void VolumeIndex::forget_volume(std::string_view name) {
  auto at = volumes_.find(name);
  if (at == volumes_.end()) return;
  const Volume& volume = at->second;
  drop_under(naming_, volume.claim_key, name);
  if (auto free = free_.find(volume.class_name); free != free_.end()) {
    free->second.erase(volume.name);
    if (free->second.empty()) free_.erase(free);
  }
  volumes_.erase(at);
}

void VolumeIndex::set_volume(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(name_of(now ? *now : *old));
  forget_volume(name);
  if (now) {
    const Volume& volume = volumes_.emplace(name, Volume(now)).first->second;
    list_under(naming_, volume.claim_key, name);
    if (volume.is_free()) free_[volume.class_name].emplace(name, &volume);
  }
  for (const std::string& claim : claims_on(name)) refresh(claim);
  if (const Names* names = find_in(attachments_of_, name)) {
    for (const std::string& attachment : *names) count_attachment(attachment);
  }
}

void VolumeIndex::set_class(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(name_of(now ? *now : *old));
  classes_.erase(name);
  if (now) classes_.emplace(name, StorageClass(*now));
  std::vector<std::string> used;
  use_.for_each_claim([&](const std::string& claim) { used.push_back(claim); });
  for (const std::string& claim : used) refresh(claim);
}

void VolumeIndex::set_capacity(const ObjectPtr& old, const ObjectPtr& now) {
  std::string key = key_of(now ? *now : *old);
  if (auto known = capacities_.find(key); known != capacities_.end()) {
    drop_under(capacities_of_, known->second.class_name, key);
    capacities_.erase(known);
  }
  if (!now) return;
  const StorageCapacity& capacity = capacities_.emplace(key, StorageCapacity(*now)).first->second;
  list_under(capacities_of_, capacity.class_name, key);
}

void VolumeIndex::set_csi_driver(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(name_of(now ? *now : *old));
  trackers_.erase(name);
  if (now && storage_v1::CSIDriver(*now).spec().storage_capacity()) trackers_.insert(name);
}

void VolumeIndex::set_csi_node(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(name_of(now ? *now : *old));
  limits_.erase(name);
  if (!now) return;
  Limits limits;
  for (storage_v1::CSINodeDriver driver : storage_v1::CSINode(*now).spec().drivers()) {
    if (driver.allocatable().has_count()) {
      limits[std::string(driver.name())] = driver.allocatable().count();
    }
  }
  if (!limits.empty()) limits_.emplace(name, std::move(limits));
}

void VolumeIndex::set_attachment(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(name_of(now ? *now : *old));
  if (auto known = attachments_.find(name); known != attachments_.end()) {
    drop_under(attachments_of_, known->second.volume, name);
    attachments_.erase(known);
  }
  if (now) {
    storage_v1::VolumeAttachmentSpec spec = storage_v1::VolumeAttachment(*now).spec();
    Attachment made{std::string(spec.node_name()), std::string(spec.attacher()),
                    std::string(spec.source().persistent_volume_name())};
    list_under(attachments_of_, made.volume, name);
    attachments_.emplace(name, std::move(made));
  }
  count_attachment(name);
}

void VolumeIndex::count_attachment(const std::string& name) {
  const Attachment* attachment = find_in(attachments_, name);
  const Volume* volume = attachment ? this->volume(attachment->volume) : nullptr;
  if (volume == nullptr || volume->handle.empty()) {
    use_.set_attachment(name, "", std::nullopt);
    return;
  }
  AttachableVolume as{attachment->driver, attachment->driver + "/" + volume->handle};
  use_.set_attachment(name, attachment->node, as);
}

void VolumeIndex::pod_moved(const PodInfo& pod, std::string_view node, int by) {
  for (const PodClaim& claim : pod.claims) {
    bool first = by > 0 && !use_.is_used(claim.key);
    use_.pod_moved(claim.key, node, by);
    if (first) refresh(claim.key);
  }
}

// What counts as attached follows the claim.
void VolumeIndex::refresh(std::string_view key) {
  if (!use_.is_used(key)) return;
  const Claim* known = claim(key);
  use_.set_volume(key, known ? attachable(*known) : std::nullopt);
}

std::optional<AttachableVolume> VolumeIndex::attachable(const Claim& claim) const {
  if (const Volume* bound = volume(claim.volume_name)) {
    if (bound->driver.empty() || bound->handle.empty()) return std::nullopt;
    return AttachableVolume{bound->driver, bound->driver + "/" + bound->handle};
  }
  // Not there yet: its class tells whose it will be. No handle begins so.
  const StorageClass* storage_class = find_class(claim.class_name);
  if (storage_class == nullptr || storage_class->provisioner.empty()) return std::nullopt;
  const std::string& driver = storage_class->provisioner;
  return AttachableVolume{driver, driver + "/\1" + claim.key};
}

const Claim* VolumeIndex::claim(std::string_view key) const { return find_in(claims_, key); }
const Volume* VolumeIndex::volume(std::string_view name) const { return find_in(volumes_, name); }
const StorageClass* VolumeIndex::find_class(std::string_view name) const {
  return find_in(classes_, name);
}
const VolumeIndex::Limits* VolumeIndex::limits(std::string_view node) const {
  return find_in(limits_, node);
}

const VolumeIndex::Volumes& VolumeIndex::free_volumes(std::string_view class_name) const {
  static const Volumes kNone;
  const Volumes* found = find_in(free_, class_name);
  return found ? *found : kNone;
}

VolumeIndex::Volumes VolumeIndex::volumes_for(const Claim& claim) const {
  Volumes found;
  if (const Names* names = find_in(naming_, claim.key)) {
    for (const std::string& name : *names) {
      const Volume* named = volume(name);
      if (named->names(claim)) found.emplace(name, named);
    }
  }
  for (const auto& [name, assumed] : assumed_) {
    const Volume* taken = assumed.to == claim.key ? volume(name) : nullptr;
    if (taken != nullptr && taken->claim_key.empty()) found.emplace(name, taken);
  }
  return found;
}

std::vector<std::string> VolumeIndex::claims_on(std::string_view volume) const {
  const Names* names = find_in(claims_on_, volume);
  return names ? std::vector<std::string>(names->begin(), names->end())
               : std::vector<std::string>();
}

std::vector<const StorageCapacity*> VolumeIndex::capacities(std::string_view class_name) const {
  std::vector<const StorageCapacity*> found;
  const Names* keys = find_in(capacities_of_, class_name);
  if (keys == nullptr) return found;
  for (const std::string& key : *keys) found.push_back(find_in(capacities_, key));
  return found;
}

void VolumeIndex::assume(const VolumePlan& plan) {
  for (const VolumePlan::Binding& binding : plan.bindings) {
    assume_in(assumed_, binding.volume, binding.claim);
  }
  for (const VolumePlan::Provision& provision : plan.provisions) {
    assume_in(selected_, provision.claim, plan.node);
  }
}

void VolumeIndex::take_back(const VolumePlan& plan) {
  for (const VolumePlan::Binding& binding : plan.bindings) take_back_in(assumed_, binding.volume);
  for (const VolumePlan::Provision& provision : plan.provisions) {
    take_back_in(selected_, provision.claim);
  }
}

const std::string* VolumeIndex::selected_node(const Claim& claim) const {
  if (const Assumed* assumed = find_in(selected_, claim.key)) return &assumed->to;
  return claim.selected_node ? &*claim.selected_node : nullptr;
}

}  // namespace tiphys::scheduler
