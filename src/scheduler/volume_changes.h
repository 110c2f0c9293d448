// VolumeChanges: notes on what changed among claims, volumes and their like, and whom that may
// help. Pure; one thread.
#pragma once
#include <set>
#include <string>
#include <string_view>

#include "scheduler/volume_index.h"

namespace tiphys::scheduler {

// The claims that a change of a claim or volume concerns, by key.
std::set<std::string> claims_concerned(std::string_view kind, const ObjectPtr& old,
                                       const ObjectPtr& now);

class VolumeChanges {
 public:
  // A PersistentVolumeClaim, PersistentVolume, StorageClass, CSIStorageCapacity or CSIDriver came
  // (old is null), changed or is gone (now is null); `volumes` knows already. False: another kind.
  bool note(std::string_view kind, const ObjectPtr& old, const ObjectPtr& now,
            const VolumeIndex& volumes);
  void note_claim(const std::string& key) { claims_.insert(key); }
  bool empty() const { return claims_.empty() && classes_.empty() && !drivers_; }
  // Whether a pod that fits nowhere may fit now. Pods without claims: never.
  bool may_help(const PodInfo& pod, const VolumeIndex& volumes) const;

 private:
  std::set<std::string, std::less<>> claims_;   // keys
  std::set<std::string, std::less<>> classes_;  // there may be volumes for claims of these
  bool drivers_ = false;                        // for any claim
};

}  // namespace tiphys::scheduler
