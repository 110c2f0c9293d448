#include "scheduler/volume_changes.h"

#include <algorithm>

#include "kinds/metadata.h"

namespace tiphys::scheduler {

std::set<std::string> claims_concerned(std::string_view kind, const ObjectPtr& old,
                                       const ObjectPtr& now) {
  std::set<std::string> keys;
  for (const ObjectPtr& object : {old, now}) {
    if (!object) continue;
    if (kind == "PersistentVolumeClaim") {
      keys.insert(key_of(*object));
    } else if (kind == "PersistentVolume") {
      core_v1::ObjectReference claim = core_v1::PersistentVolume(*object).spec().claim_ref();
      if (!claim.name().empty()) {
        keys.insert(std::string(claim.namespace_()) + "/" + std::string(claim.name()));
      }
    }
  }
  return keys;
}

bool VolumeChanges::note(std::string_view kind, const ObjectPtr& old, const ObjectPtr& now,
                         const VolumeIndex& volumes) {
  if (kind == "PersistentVolumeClaim") {
    claims_.merge(claims_concerned(kind, old, now));
  } else if (kind == "PersistentVolume") {
    claims_.merge(claims_concerned(kind, old, now));
    std::string_view name = name_of(now ? *now : *old);
    for (std::string& claim : volumes.claims_on(name)) claims_.insert(std::move(claim));
    const Volume* volume = volumes.volume(name);
    if (volume != nullptr && volume->is_free()) classes_.insert(volume->class_name);
  } else if (kind == "StorageClass") {
    classes_.emplace(name_of(now ? *now : *old));
  } else if (kind == "CSIStorageCapacity") {
    if (now) classes_.emplace(storage_v1::CSIStorageCapacity(*now).storage_class_name());
  } else if (kind == "CSIDriver") {
    drivers_ = true;
  } else {
    return false;
  }
  return true;
}

bool VolumeChanges::may_help(const PodInfo& pod, const VolumeIndex& volumes) const {
  if (empty()) return false;
  return std::any_of(pod.claims.begin(), pod.claims.end(), [&](const PodClaim& named) {
    if (claims_.contains(named.key)) return true;
    const Claim* claim = volumes.claim(named.key);
    if (claim == nullptr || claim->bound) return false;
    return drivers_ || classes_.contains(claim->class_name);
  });
}

}  // namespace tiphys::scheduler
