// volumeMounts and volumeDevices of containers.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPropagations[] = {"Bidirectional", "HostToContainer", "None"};
constexpr std::string_view kRecursiveReadOnly[] = {"Disabled", "Enabled", "IfPossible"};

using PathsByName = std::map<std::string_view, std::string_view>;

std::set<std::string_view> paths_of(const PathsByName& by_name) {
  std::set<std::string_view> paths;
  for (const auto& [name, path] : by_name) paths.insert(path);
  return paths;
}

void validate_propagation(core_v1::VolumeMount mount, core_v1::Container container,
                          const FieldPath& path, FieldErrors& errors) {
  if (!mount.has_mount_propagation()) return;
  check_supported(mount.mount_propagation(), kPropagations, path, errors);
  if (mount.mount_propagation() != "Bidirectional") return;
  if (container.security_context().privileged()) return;
  errors.forbidden(path,
                   "Bidirectional mount propagation is available only to privileged "
                   "containers");
}

void validate_recursive_read_only(core_v1::VolumeMount mount, const FieldPath& path,
                                  FieldErrors& errors) {
  if (!mount.has_recursive_read_only() || mount.recursive_read_only() == "Disabled") return;
  if (!is_one_of(mount.recursive_read_only(), kRecursiveReadOnly)) {
    errors.not_supported(path, mount.recursive_read_only(), kRecursiveReadOnly);
    return;
  }
  if (!mount.read_only()) errors.forbidden(path, "may only be specified when readOnly is true");
  if (mount.has_mount_propagation() && mount.mount_propagation() != "None") {
    errors.forbidden(path, "may only be specified when mountPropagation is None or not specified");
  }
}

void validate_sub_paths(core_v1::VolumeMount mount, const FieldPath& list, size_t i,
                        FieldErrors& errors) {
  if (!mount.sub_path().empty()) {
    check_relative_path(mount.sub_path(), list.child("subPath"), errors);
  }
  if (mount.sub_path_expr().empty()) return;
  if (!mount.sub_path().empty()) {
    errors.invalid(list.index(i).child("subPathExpr"), mount.sub_path_expr(),
                   "subPathExpr and subPath are mutually exclusive");
  }
  check_relative_path(mount.sub_path_expr(), list.child("subPathExpr"), errors);
}

void validate_volume_mounts(core_v1::Container container, const VolumesByName& volumes,
                            const PathsByName& devices, const FieldPath& list,
                            FieldErrors& errors) {
  std::set<std::string_view> paths;
  std::set<std::string_view> device_paths = paths_of(devices);
  for (size_t i = 0; i < container.volume_mounts().size(); ++i) {
    core_v1::VolumeMount mount = container.volume_mounts()[i];
    FieldPath name = list.index(i).child("name");
    FieldPath path = list.index(i).child("mountPath");
    if (mount.name().empty()) errors.required(name);
    if (!volumes.contains(mount.name())) errors.not_found(name, mount.name());
    if (mount.mount_path().empty()) errors.required(path);
    if (!paths.insert(mount.mount_path()).second) {
      errors.invalid(path, mount.mount_path(), "must be unique");
    }
    if (devices.contains(mount.name())) {
      errors.invalid(name, mount.name(), "must not already exist in volumeDevices");
    }
    if (device_paths.contains(mount.mount_path())) {
      errors.invalid(path, mount.mount_path(), "must not already exist as a path in volumeDevices");
    }
    // Upstream leaves the index out of these paths.
    validate_sub_paths(mount, list, i, errors);
    validate_propagation(mount, container, list.child("mountPropagation"), errors);
    validate_recursive_read_only(mount, list.child("recursiveReadOnly"), errors);
  }
}

void validate_device_name(std::string_view device, const VolumesByName& volumes, bool known,
                          const FieldPath& name, FieldErrors& errors) {
  auto volume = volumes.find(device);
  if (device.empty()) errors.required(name);
  if (known) errors.invalid(name, device, "must be unique");
  if (volume == volumes.end()) {
    errors.not_found(name, device);
  } else if (!volume->second.has_persistent_volume_claim() && !volume->second.has_ephemeral()) {
    errors.invalid(name, device,
                   "can only use volume source type of PersistentVolumeClaim or Ephemeral for "
                   "block mode");
  }
}

void validate_volume_devices(core_v1::Container container, const VolumesByName& volumes,
                             const PathsByName& mounts, const FieldPath& list,
                             FieldErrors& errors) {
  std::set<std::string_view> names;
  std::set<std::string_view> paths;
  std::set<std::string_view> mount_paths = paths_of(mounts);
  for (size_t i = 0; i < container.volume_devices().size(); ++i) {
    core_v1::VolumeDevice device = container.volume_devices()[i];
    FieldPath name = list.index(i).child("name");
    FieldPath path = list.index(i).child("devicePath");
    validate_device_name(device.name(), volumes, names.contains(device.name()), name, errors);
    if (device.device_path().empty()) errors.required(path);
    if (paths.contains(device.device_path())) {
      errors.invalid(path, device.device_path(), "must be unique");
    }
    FieldErrors steps;
    check_no_backsteps(device.device_path(), path, steps);
    if (!steps.empty()) {
      errors.invalid(path, device.device_path(), "can not contain backsteps ('..')");
    } else {
      paths.insert(device.device_path());
    }
    if (mounts.contains(device.name())) {
      errors.invalid(name, device.name(), "must not already exist in volumeMounts");
    }
    if (mount_paths.contains(device.device_path())) {
      errors.invalid(path, device.device_path(),
                     "must not already exist as a path in volumeMounts");
    }
    if (!device.name().empty()) names.insert(device.name());
  }
}

}  // namespace

void validate_mounts(core_v1::Container container, const VolumesByName& volumes,
                     const FieldPath& path, FieldErrors& errors) {
  PathsByName mounts;
  PathsByName devices;
  for (core_v1::VolumeMount mount : container.volume_mounts()) {
    mounts[mount.name()] = mount.mount_path();
  }
  for (core_v1::VolumeDevice device : container.volume_devices()) {
    devices[device.name()] = device.device_path();
  }
  validate_volume_mounts(container, volumes, devices, path.child("volumeMounts"), errors);
  validate_volume_devices(container, volumes, mounts, path.child("volumeDevices"), errors);
}

}  // namespace tiphys::apiserver
