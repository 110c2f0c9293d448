// VolumeRestrictions: a disk that a pod of the node has can't be had twice (unless read-only), and
// a claim with access mode ReadWriteOncePod is one pod's alone.
#include <algorithm>

#include "scheduler/plugins/plugins.h"
#include "scheduler/volume_matching.h"

namespace tiphys::scheduler {
namespace {

using Code = Verdict::Code;

class RestrictionsChecker : public Checker {
 public:
  RestrictionsChecker(const PodInfo& pod, bool claim_in_use)
      : pod_(pod), claim_in_use_(claim_in_use) {}
  Verdict check(const NodeInfo& node) const override {
    if (!pod_.disks.empty() && disk_taken(node)) {
      return Verdict::no(Code::kUnschedulable, "node(s) had no available disk");
    }
    if (!claim_in_use_) return {};
    return Verdict::no(Code::kUnschedulable,
                       "node has pod using PersistentVolumeClaim with the same name and "
                       "ReadWriteOncePod access mode");
  }

 private:
  bool disk_taken(const NodeInfo& node) const {
    for (const PodPtr& other : node.pods) {
      for (const InlineDisk& taken : other->disks) {
        bool conflicts = std::any_of(pod_.disks.begin(), pod_.disks.end(),
                                     [&](const InlineDisk& disk) { return disk.conflicts(taken); });
        if (conflicts) return true;
      }
    }
    return false;
  }
  const PodInfo& pod_;
  bool claim_in_use_;
};

Preparation make(const Query& query) {
  const VolumeIndex& volumes = query.snapshot.volumes();
  bool in_use = false;
  for (const PodClaim& named : query.pod.claims) {
    if (named.ephemeral) continue;
    std::string missing = missing_claim(volumes, named);
    if (!missing.empty()) return Preparation::refuse(std::move(missing));
    bool exclusive = volumes.claim(named.key)->has_access_mode("ReadWriteOncePod");
    in_use = in_use || (exclusive && volumes.use().pods_using(named.key) > 0);
  }
  if (query.pod.disks.empty() && !in_use) return nullptr;
  return std::make_unique<RestrictionsChecker>(query.pod, in_use);
}

}  // namespace

constinit const Plugin kVolumeRestrictions = {.name = "VolumeRestrictions", .make_checker = make};

}  // namespace tiphys::scheduler
