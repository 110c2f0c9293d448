#include "kubelet/volumes/volume_kinds.h"

namespace tiphys::kubelet {
namespace {

// In-tree kinds that upstream's v1.35 still mounts, or hands to a CSI driver.
struct Kind {
  bool (*is)(core_v1::Volume);
  const char* name;
};
constexpr Kind kNetworkKinds[] = {
    {[](core_v1::Volume v) { return v.has_nfs(); }, "nfs"},
    {[](core_v1::Volume v) { return v.has_iscsi(); }, "iscsi"},
    {[](core_v1::Volume v) { return v.has_fc(); }, "fc"},
    {[](core_v1::Volume v) { return v.has_flex_volume(); }, "flexVolume"},
    {[](core_v1::Volume v) { return v.has_aws_elastic_block_store(); }, "awsElasticBlockStore"},
    {[](core_v1::Volume v) { return v.has_azure_disk(); }, "azureDisk"},
    {[](core_v1::Volume v) { return v.has_azure_file(); }, "azureFile"},
    {[](core_v1::Volume v) { return v.has_cinder(); }, "cinder"},
    {[](core_v1::Volume v) { return v.has_gce_persistent_disk(); }, "gcePersistentDisk"},
    {[](core_v1::Volume v) { return v.has_portworx_volume(); }, "portworxVolume"},
    {[](core_v1::Volume v) { return v.has_vsphere_volume(); }, "vsphereVolume"},
};

bool is_ours(core_v1::Volume v) {
  return v.has_empty_dir() || v.has_host_path() || v.has_config_map() || v.has_secret() ||
         v.has_downward_api() || v.has_projected() || v.has_git_repo() || v.has_image() ||
         v.has_csi();
}

template <class Container>
void collect(Container container, std::set<std::string, std::less<>>& out) {
  for (core_v1::VolumeMount mount : container.volume_mounts()) out.emplace(mount.name());
  for (core_v1::VolumeDevice device : container.volume_devices()) out.emplace(device.name());
}

}  // namespace

std::set<std::string, std::less<>> used_volumes(core_v1::PodSpec spec) {
  std::set<std::string, std::less<>> out;
  for (core_v1::Container c : spec.init_containers()) collect(c, out);
  for (core_v1::Container c : spec.containers()) collect(c, out);
  for (core_v1::EphemeralContainer c : spec.ephemeral_containers()) collect(c, out);
  return out;
}

std::string unprocessable(core_v1::Volume volume, std::string_view ns) {
  if (is_ours(volume)) return "";
  if (volume.has_persistent_volume_claim()) {
    return "error processing PVC " + std::string(ns) + "/" +
           std::string(volume.persistent_volume_claim().claim_name()) +
           ": PersistentVolumeClaims are not supported by this kubelet yet";
  }
  if (volume.has_ephemeral()) return "ephemeral volumes are not supported by this kubelet yet";
  for (const Kind& kind : kNetworkKinds) {
    if (kind.is(volume)) {
      return std::string(kind.name) + " volumes are not supported by this kubelet";
    }
  }
  return "no volume plugin matched";
}

std::string unsupported(core_v1::Volume volume) {
  if (volume.has_git_repo()) return "git-repo volume plugin has been disabled";
  if (volume.has_image()) {
    return "image volumes are not supported by this kubelet: its container runtime can't mount "
           "images";
  }
  if (volume.has_csi()) {
    return "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name " +
           std::string(volume.csi().driver()) + " not found in the list of registered CSI drivers";
  }
  return "";
}

}  // namespace tiphys::kubelet
