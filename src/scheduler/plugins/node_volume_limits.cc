// NodeVolumeLimits: a node attaches no more volumes of a CSI driver than its CSINode says. Volumes
// that it has already, for whatever pod, don't count again. Inline CSI volumes are not attached:
// they don't count, as upstream's.
#include "scheduler/plugins/plugins.h"
#include "scheduler/volume_matching.h"

namespace tiphys::scheduler {
namespace {

using Volumes = std::map<std::string, std::set<std::string>>;  // ids by driver

class LimitsChecker : public Checker {
 public:
  LimitsChecker(const VolumeIndex& volumes, Volumes wanted)
      : volumes_(volumes), wanted_(std::move(wanted)) {}

  Verdict check(const NodeInfo& node) const override {
    const VolumeIndex::Limits* limits = volumes_.limits(node.name);
    if (limits == nullptr) return {};
    for (const auto& [driver, ids] : wanted_) {
      auto limit = limits->find(driver);
      if (limit == limits->end() || fits(node, driver, ids, limit->second)) continue;
      return Verdict::no(Verdict::Code::kUnschedulable, "node(s) exceed max volume count");
    }
    return {};
  }

 private:
  bool fits(const NodeInfo& node, const std::string& driver, const std::set<std::string>& ids,
            int64_t limit) const {
    const AttachedVolumes& attached = volumes_.use().attached();
    int64_t more = 0;
    for (const std::string& id : ids) more += attached.has(node.name, id) ? 0 : 1;
    return more == 0 || attached.count(node.name, driver) + more <= limit;
  }
  const VolumeIndex& volumes_;
  Volumes wanted_;
};

// For claims that can't be counted: as upstream, a verdict on each node.
class UncountableChecker : public Checker {
 public:
  explicit UncountableChecker(std::string why) : why_(std::move(why)) {}
  Verdict check(const NodeInfo&) const override {
    return Verdict::no(Verdict::Code::kUnresolvable, why_);
  }

 private:
  std::string why_;
};

Preparation make(const Query& query) {
  const VolumeIndex& volumes = query.snapshot.volumes();
  Volumes wanted;
  for (const PodClaim& named : query.pod.claims) {
    std::string wrong = missing_claim(volumes, named);
    if (!wrong.empty()) {
      return std::make_unique<UncountableChecker>("looking up PVC " + named.key + ": " + wrong);
    }
    const Claim& claim = *volumes.claim(named.key);
    wrong = foreign_claim(query.pod, named, claim);
    if (!wrong.empty()) return std::make_unique<UncountableChecker>(std::move(wrong));
    std::optional<AttachableVolume> volume = volumes.attachable(claim);
    if (volume) wanted[volume->driver].insert(std::move(volume->id));
  }
  if (wanted.empty()) return nullptr;
  return std::make_unique<LimitsChecker>(volumes, std::move(wanted));
}

}  // namespace

constinit const Plugin kNodeVolumeLimits = {.name = "NodeVolumeLimits", .make_checker = make};

}  // namespace tiphys::scheduler
