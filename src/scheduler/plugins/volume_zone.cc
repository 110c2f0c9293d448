// VolumeZone: a bound volume's labels say in which zones and regions it is; so must the node's. A
// node without such labels takes every volume.
#include <algorithm>

#include "base/strings.h"
#include "scheduler/plugins/plugins.h"
#include "scheduler/volume_matching.h"

namespace tiphys::scheduler {
namespace {

// A label and the one that took its place.
struct ZoneLabel {
  std::string_view key;
  std::string_view present;
};
constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr std::string_view kRegion = "topology.kubernetes.io/region";
constexpr ZoneLabel kZoneLabels[] = {{"failure-domain.beta.kubernetes.io/zone", kZone},
                                     {"failure-domain.beta.kubernetes.io/region", kRegion},
                                     {kZone, kZone},
                                     {kRegion, kRegion}};
constexpr std::string_view kZoneSeparator = "__";

struct VolumeTopology {
  const ZoneLabel* label;
  std::vector<std::string> values;
};

// "a__b" -> a, b; nothing if a part is empty.
std::vector<std::string> zones_of(std::string_view text) {
  std::vector<std::string> zones;
  while (true) {
    size_t end = text.find(kZoneSeparator);
    std::string_view zone = trim(text.substr(0, end));
    if (zone.empty()) return {};
    zones.emplace_back(zone);
    if (end == std::string_view::npos) return zones;
    text.remove_prefix(end + kZoneSeparator.size());
  }
}

class ZoneChecker : public Checker {
 public:
  explicit ZoneChecker(std::vector<VolumeTopology> wanted) : wanted_(std::move(wanted)) {}
  Verdict check(const NodeInfo& node) const override {
    bool zoned =
        std::any_of(std::begin(kZoneLabels), std::end(kZoneLabels),
                    [&](const ZoneLabel& label) { return node.labels.contains(label.key); });
    if (!zoned) return {};
    for (const VolumeTopology& topology : wanted_) {
      if (!has(node, topology)) {
        return Verdict::no(Verdict::Code::kUnresolvable, "node(s) had no available volume zone");
      }
    }
    return {};
  }

 private:
  static bool has(const NodeInfo& node, const VolumeTopology& topology) {
    std::string_view key = topology.label->key;
    if (!node.labels.contains(key)) key = topology.label->present;
    if (!node.labels.contains(key)) return false;
    const std::vector<std::string>& values = topology.values;
    return std::find(values.begin(), values.end(), node.labels.find(key)) != values.end();
  }
  std::vector<VolumeTopology> wanted_;
};

void add_topologies(const Volume& volume, std::vector<VolumeTopology>& wanted) {
  for (const ZoneLabel& label : kZoneLabels) {
    if (!volume.labels.contains(label.key)) continue;
    std::vector<std::string> zones = zones_of(volume.labels.find(label.key));
    if (!zones.empty()) wanted.push_back({&label, std::move(zones)});
  }
}

// Why a claim without a volume is none that waits for its pod; "": it is.
std::string not_waiting(const VolumeIndex& volumes, const Claim& claim) {
  if (claim.class_name.empty()) {
    return "PersistentVolumeClaim had no pv name and storageClass name";
  }
  const StorageClass* storage_class = volumes.find_class(claim.class_name);
  if (storage_class == nullptr) {
    return "storageclass.storage.k8s.io " + go_quote(claim.class_name) + " not found";
  }
  return storage_class->waits_for_consumer ? "" : "PersistentVolume had no name";
}

Preparation make(const Query& query) {
  const VolumeIndex& volumes = query.snapshot.volumes();
  std::vector<VolumeTopology> wanted;
  for (const PodClaim& named : query.pod.claims) {
    if (named.ephemeral) continue;
    std::string missing = missing_claim(volumes, named);
    if (!missing.empty()) return Preparation::refuse(std::move(missing));
    const Claim& claim = *volumes.claim(named.key);
    if (claim.volume_name.empty()) {
      std::string why = not_waiting(volumes, claim);
      if (!why.empty()) return Preparation::refuse(std::move(why));
      continue;
    }
    const Volume* volume = volumes.volume(claim.volume_name);
    if (volume == nullptr) {
      return Preparation::refuse("persistentvolume " + go_quote(claim.volume_name) + " not found");
    }
    add_topologies(*volume, wanted);
  }
  if (wanted.empty()) return nullptr;
  return std::make_unique<ZoneChecker>(std::move(wanted));
}

}  // namespace

constinit const Plugin kVolumeZone = {.name = "VolumeZone", .make_checker = make};

}  // namespace tiphys::scheduler
