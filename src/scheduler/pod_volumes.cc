#include "scheduler/pod_volumes.h"

#include <algorithm>

namespace tiphys::scheduler {
namespace {

using Kind = InlineDisk::Kind;

std::optional<PodClaim> claim_of(const core_v1::Volume& volume, std::string_view ns,
                                 std::string_view pod) {
  PodClaim claim;
  if (volume.has_persistent_volume_claim()) {
    claim.name = volume.persistent_volume_claim().claim_name();
  } else if (volume.has_ephemeral()) {
    claim.name = std::string(pod) + "-" + std::string(volume.name());
    claim.ephemeral = true;
  } else {
    return std::nullopt;
  }
  claim.key = std::string(ns) + "/" + claim.name;
  return claim;
}

std::optional<InlineDisk> disk_of(const core_v1::Volume& volume) {
  if (volume.has_gce_persistent_disk()) {
    core_v1::GCEPersistentDiskVolumeSource disk = volume.gce_persistent_disk();
    return InlineDisk{Kind::kGcePersistentDisk, std::string(disk.pd_name()), {}, disk.read_only()};
  }
  if (volume.has_aws_elastic_block_store()) {
    std::string id(volume.aws_elastic_block_store().volume_id());
    return InlineDisk{Kind::kAwsElasticBlockStore, std::move(id), {}, false};
  }
  if (volume.has_iscsi()) {
    core_v1::ISCSIVolumeSource disk = volume.iscsi();
    return InlineDisk{Kind::kIscsi, std::string(disk.iqn()), {}, disk.read_only()};
  }
  if (volume.has_rbd()) {
    core_v1::RBDVolumeSource image = volume.rbd();
    InlineDisk disk{Kind::kRbd, std::string(image.pool()), {}, image.read_only()};
    disk.id.append(1, '\0').append(image.image());
    for (std::string_view monitor : image.monitors()) disk.monitors.emplace_back(monitor);
    return disk;
  }
  return std::nullopt;
}

}  // namespace

bool InlineDisk::conflicts(const InlineDisk& other) const {
  if (kind != other.kind || id != other.id) return false;
  if (read_only && other.read_only) return false;
  if (kind != Kind::kRbd) return true;
  return std::any_of(monitors.begin(), monitors.end(), [&](const std::string& monitor) {
    return std::find(other.monitors.begin(), other.monitors.end(), monitor) != other.monitors.end();
  });
}

std::vector<PodClaim> claims_of(const core_v1::Pod& pod) {
  std::vector<PodClaim> claims;
  for (core_v1::Volume volume : pod.spec().volumes()) {
    std::optional<PodClaim> claim =
        claim_of(volume, pod.metadata().namespace_(), pod.metadata().name());
    if (!claim) continue;
    auto known = std::find_if(claims.begin(), claims.end(),
                              [&](const PodClaim& c) { return c.name == claim->name; });
    if (known == claims.end()) {
      claims.push_back(std::move(*claim));
    } else {
      known->ephemeral = known->ephemeral || claim->ephemeral;
    }
  }
  return claims;
}

std::vector<InlineDisk> inline_disks_of(const core_v1::PodSpec& spec) {
  std::vector<InlineDisk> disks;
  for (core_v1::Volume volume : spec.volumes()) {
    if (std::optional<InlineDisk> disk = disk_of(volume)) disks.push_back(std::move(*disk));
  }
  return disks;
}

}  // namespace tiphys::scheduler
