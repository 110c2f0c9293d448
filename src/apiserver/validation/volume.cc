#include "apiserver/validation/volume.h"

#include "apiserver/validation/checks.h"
#include "apiserver/validation/rules.h"

namespace tiphys::apiserver {
namespace {

constexpr VolumeSourceRow kSources[] = {
    {"emptyDir", "", ""},
    {"hostPath", "", ""},
    {"gitRepo", "", ""},
    {"gcePersistentDisk", "persistentDisk", "gcePersistentDisk"},
    {"awsElasticBlockStore", "", ""},
    {"secret", "", ""},
    {"nfs", "", ""},
    {"iscsi", "", ""},
    {"glusterfs", "", ""},
    {"flocker", "", ""},
    {"persistentVolumeClaim", "", ""},
    {"rbd", "", ""},
    {"cinder", "", ""},
    {"cephfs", "", "cephFS"},
    {"quobyte", "", ""},
    {"downwardAPI", "", "downwarAPI"},
    {"fc", "", ""},
    {"flexVolume", "", ""},
    {"configMap", "", ""},
    {"azureFile", "", ""},
    {"vsphereVolume", "", ""},
    {"photonPersistentDisk", "", ""},
    {"portworxVolume", "", ""},
    {"azureDisk", "", ""},
    {"storageos", "", ""},
    {"projected", "", ""},
    {"scaleIO", "", ""},
    {"csi", "", ""},
    {"ephemeral", "", ""},
    {"image", "", ""},
};

constexpr size_t kMaxIscsiName = 64;

// What a source's own rows can't see: the volume's and the pod's name.
void validate_with_names(core_v1::Volume volume, const PodScope& pod, const FieldPath& path,
                         FieldErrors& errors) {
  if (volume.has_projected()) {
    validate_projected(volume.projected(), pod.allow.token_paths, path.child("projected"), errors);
  }
  if (volume.iscsi().has_initiator_name() &&
      volume.name().size() + 1 + volume.iscsi().target_portal().size() > kMaxIscsiName) {
    errors.invalid(path.child("name"), volume.name(),
                   "Total length of <volume name>:<iscsi.targetPortal> must be under 64 "
                   "characters if iscsi.initiatorName is specified.");
  }
  if (volume.has_ephemeral() && !pod.pod_name.empty() && !volume.name().empty()) {
    std::string claim = std::string(pod.pod_name) + "-" + std::string(volume.name());
    for (const std::string& message : check_dns1123_subdomain(claim)) {
      errors.invalid(path.child("name"), volume.name(), "PVC name \"" + claim + "\": " + message);
    }
  }
  if (volume.has_image() && pod.is_pod && volume.image().reference().empty()) {
    errors.required(path.child("image").child("reference"));
  }
}

void validate_volume(core_v1::Volume volume, const PodScope& pod, const VolumesByName& known,
                     const FieldPath& path, FieldErrors& errors) {
  validate_volume_sources(core_v1::VolumeSource::message_type(), volume.volume_source().node(),
                          kSources, path, errors);
  validate_with_names(volume, pod, path, errors);
  FieldPath name = path.child("name");
  if (volume.name().empty()) {
    errors.required(name);
  } else {
    errors.invalid_all(name, volume.name(), check_dns1123_label(volume.name()));
  }
  if (known.contains(volume.name())) errors.duplicate(name, volume.name());
}

std::set<std::string> created_claims(const PodScope& pod) {
  std::set<std::string> names;
  if (pod.pod_name.empty()) return names;
  for (core_v1::Volume volume : pod.spec.volumes()) {
    if (!volume.has_ephemeral()) continue;
    names.insert(std::string(pod.pod_name) + "-" + std::string(volume.name()));
  }
  return names;
}

}  // namespace

void validate_volume_sources(const schema::Message& type, const Node& node,
                             std::span<const VolumeSourceRow> rows, const FieldPath& path,
                             FieldErrors& errors) {
  int count = 0;
  for (const VolumeSourceRow& row : rows) {
    const schema::Field& field = *type.find(row.field);
    const Value& source = node.field(type.index_of(field));
    if (source.is_null()) continue;
    std::string_view name = row.path.empty() ? row.field : row.path;
    if (count++ > 0 && !row.besides) {
      std::string_view conflict = row.conflict.empty() ? name : row.conflict;
      errors.forbidden(path.child(conflict), "may not specify more than 1 volume type");
    } else {
      validate_part(*field.message, source.as_node(), path.child(name), errors);
    }
  }
  if (count == 0) errors.required(path, "must specify a volume type");
}

VolumesByName validate_volumes(const PodScope& pod, const FieldPath& path, FieldErrors& errors) {
  VolumesByName valid;
  std::set<std::string> created = created_claims(pod);
  auto volumes = pod.spec.volumes();
  for (size_t i = 0; i < volumes.size(); ++i) {
    core_v1::Volume volume = volumes[i];
    size_t before = errors.size();
    validate_volume(volume, pod, valid, path.index(i), errors);
    if (errors.size() == before) valid[volume.name()] = volume;
    std::string_view claim = volume.persistent_volume_claim().claim_name();
    if (created.contains(std::string(claim))) {
      errors.invalid(path.index(i).child("persistentVolumeClaim").child("claimName"), claim,
                     "must not reference a PVC that gets created for an ephemeral volume");
    }
  }
  return valid;
}

}  // namespace tiphys::apiserver
