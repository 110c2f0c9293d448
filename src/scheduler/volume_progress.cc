#include "scheduler/volume_progress.h"

#include "base/strings.h"
#include "kinds/metadata.h"

namespace tiphys::scheduler {
namespace {

using State = VolumeProgress::State;

VolumeProgress failed(std::string why) { return {State::kFailed, std::move(why)}; }

// Whether the object is from before what we wrote: nothing is known yet.
bool is_older(const Object& object, const std::string& written) {
  return parse_uint(resource_version_of(object)).value_or(0) < parse_uint(written).value_or(0);
}

std::string not_found(std::string_view kind, std::string_view name) {
  return "could not find v1." + std::string(kind) + " " + go_quote(name);
}

const Claim* find_claim(const VolumeIndex& volumes, const std::string& key,
                        const std::string& uid) {
  const Claim* claim = volumes.claim(key);
  return claim != nullptr && claim->uid == uid ? claim : nullptr;
}

std::string unusable(const Volume& volume, const NodeInfo& node) {
  return "pv " + go_quote(volume.name) + " node affinity doesn't match node " +
         go_quote(node.name) + ": no matching NodeSelectorTerms";
}

VolumeProgress check(const VolumePlan::Binding& binding, const VolumeIndex& volumes,
                     const NodeInfo& node) {
  const Volume* volume = volumes.volume(binding.volume);
  if (volume == nullptr) {
    return failed("failed to check binding: " + not_found("PersistentVolume", binding.volume));
  }
  const Claim* claim = find_claim(volumes, binding.claim, binding.claim_uid);
  if (claim == nullptr) {
    return failed("failed to check binding: " + not_found("PersistentVolumeClaim", binding.claim));
  }
  if (is_older(*volume->object, binding.written)) return {};
  if (!volume->usable_from(node.labels)) return failed(unusable(*volume, node));
  if (volume->claim_key.empty() || volume->claim_uid.empty()) {
    return failed("ClaimRef got reset for pv " + go_quote(volume->name));
  }
  return {claim->bound ? State::kBound : State::kWaiting, ""};
}

VolumeProgress check(const VolumePlan::Provision& provision, const VolumeIndex& volumes,
                     const NodeInfo& node) {
  const Claim* claim = find_claim(volumes, provision.claim, provision.claim_uid);
  if (claim == nullptr) {
    return failed("failed to check provisioning pvc: " +
                  not_found("PersistentVolumeClaim", provision.claim));
  }
  if (is_older(*claim->object, provision.written)) return {};
  std::string name = go_quote(name_of(*claim->object));
  if (metadata(*claim->object).annotations().empty()) {
    return failed("selectedNode annotation reset for PVC " + name);
  }
  // A provisioner that fails takes the annotation away.
  if (claim->selected_node != node.name) return failed("provisioning failed for PVC " + name);
  if (claim->volume_name.empty()) return {};
  const Volume* volume = volumes.volume(claim->volume_name);
  if (volume == nullptr) return {};
  if (!volume->usable_from(node.labels)) return failed(unusable(*volume, node));
  return {claim->bound ? State::kBound : State::kWaiting, ""};
}

}  // namespace

VolumeProgress volume_progress(const VolumePlan& plan, const Snapshot& snapshot) {
  const NodeInfo* node = snapshot.find(plan.node);
  if (node == nullptr) {
    std::string name = go_quote(plan.node);
    return failed("failed to get node " + name + ": node " + name + " not found");
  }
  for (const VolumePlan::Binding& binding : plan.bindings) {
    VolumeProgress one = check(binding, snapshot.volumes(), *node);
    if (one.state != State::kBound) return one;
  }
  for (const VolumePlan::Provision& provision : plan.provisions) {
    VolumeProgress one = check(provision, snapshot.volumes(), *node);
    if (one.state != State::kBound) return one;
  }
  return {State::kBound, ""};
}

}  // namespace tiphys::scheduler
