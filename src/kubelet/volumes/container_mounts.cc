#include "kubelet/volumes/container_mounts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/volumes/payload.h"
#include "os/beneath.h"
#include "os/files.h"
#include "os/mounts.h"

namespace tiphys::kubelet {
namespace {

core_v1::Volume find_volume(core_v1::PodSpec spec, std::string_view name) {
  for (core_v1::Volume volume : spec.volumes()) {
    if (volume.name() == name) return volume;
  }
  return {};
}

Result<int32_t> cri_propagation(std::string_view mode) {
  if (mode.empty() || mode == "None") return 0;
  if (mode == "HostToContainer") return 1;
  if (mode == "Bidirectional") return 2;
  return ApiStatus::bad_request("invalid MountPropagation mode: " + go_quote(mode));
}

// No runtime that this kubelet speaks to tells that it can.
constexpr bool kRuntimeMountsReadOnlyRecursively = false;

// Whether the mount is recursively read-only.
Result<bool> recursive_read_only(core_v1::VolumeMount mount) {
  std::string_view mode = mount.recursive_read_only();
  if (mode.empty() || mode == "Disabled") return false;
  std::string wants = "failed to resolve recursive read-only mode: volume " +
                      go_quote(mount.name()) +
                      " requested recursive read-only mode, but it is not ";
  if (!mount.read_only()) return ApiStatus::bad_request(wants + "read-only");
  if (!mount.mount_propagation().empty() && mount.mount_propagation() != "None") {
    return ApiStatus::bad_request(wants + "compatible with propagation " +
                                  go_quote(mount.mount_propagation()));
  }
  if (mode == "IfPossible" || kRuntimeMountsReadOnlyRecursively) {
    return kRuntimeMountsReadOnlyRecursively;
  }
  return ApiStatus::bad_request(wants + "supported by the runtime");
}

Result<std::string> sub_path_of(const MountInput& in, core_v1::VolumeMount mount) {
  if (mount.sub_path_expr().empty()) return std::string(mount.sub_path());
  std::vector<std::string> missing;
  std::string path = expand_variables(mount.sub_path_expr(), in.variables, &missing);
  if (missing.empty()) return path;
  return ApiStatus::bad_request("missing value for " + join(missing, ", "));
}

Result<void> check_sub_path(const std::string& path) {
  if (path.starts_with('/')) {
    return ApiStatus::bad_request("error SubPath `" + path + "` must not be an absolute path");
  }
  for (std::string_view part : split(path, '/')) {
    if (part == "..") {
      return ApiStatus::bad_request("unable to provision SubPath `" + path +
                                    "`: must not contain '..'");
    }
  }
  return {};
}

Result<void> make_bind_target(const std::string& target, bool folder) {
  std::string parent = target.substr(0, target.rfind('/'));
  Result<void> made = os::make_dirs(parent, 0750);
  // What was there may be of the other kind: the source changed since the last start.
  if (made) made = os::unmount(target);
  if (made && os::exists(target) && os::is_directory(target) != folder) {
    made = os::remove_tree(target);
  }
  if (!made) return made;
  return folder ? os::make_dirs(target, 0750) : os::write_file(target, "", 0640);
}

// Binds a path inside a volume to a folder of the kubelet's, through its descriptor: the pod may
// change its volume while we look.
Result<void> bind_sub_path(const std::string& volume, const std::string& sub_path,
                           const std::string& target) {
  struct stat root{};
  if (::stat(volume.c_str(), &root) != 0) return ApiStatus::os_error("stat " + volume, errno);
  Result<os::Fd> inside =
      os::open_beneath(volume, sub_path, static_cast<int>(root.st_mode & 07777));
  if (!inside) return inside.error();
  struct stat info{};
  if (::fstat(inside->get(), &info) != 0) return ApiStatus::os_error("stat " + sub_path, errno);
  Result<void> made = make_bind_target(target, S_ISDIR(info.st_mode));
  if (!made) return made;
  return os::mount_bind("/proc/self/fd/" + std::to_string(inside->get()), target, false);
}

Result<std::string> resolve_sub_path(const MountInput& in, core_v1::VolumeMount mount,
                                     const std::string& volume, size_t index) {
  TIPHYS_TRY(std::string, sub_path, sub_path_of(in, mount));
  if (sub_path.empty()) return volume;
  Result<void> valid = check_sub_path(sub_path);
  if (!valid) return valid.error();
  std::string container(in.container.name());
  std::string target = in.pod_folder + "/volume-subpaths/" + std::string(mount.name()) + "/" +
                       container + "/" + std::to_string(index);
  Result<void> bound = bind_sub_path(volume, sub_path, target);
  if (bound) return target;
  LOG_WARNING("Failed to prepare subPath for volumeMount of the container",
              {"container", container}, {"volumeMount", mount.name()}, {"err", bound.error()});
  return ApiStatus::bad_request("failed to prepare subPath for volumeMount " +
                                go_quote(mount.name()) + " of container " + go_quote(container));
}

Result<ResolvedMount> resolve_one(const MountInput& in, core_v1::VolumeMount mount, size_t index) {
  auto volume = in.volumes.find(std::string(mount.name()));
  if (volume == in.volumes.end()) {
    return ApiStatus::bad_request("cannot find volume " + go_quote(mount.name()) +
                                  " to mount into container " + go_quote(in.container.name()));
  }
  ResolvedMount out;
  out.container_path = std::string(mount.mount_path());
  if (!out.container_path.starts_with('/')) out.container_path = "/" + out.container_path;
  // What shows API objects can't be written, whatever the mount says.
  out.read_only = mount.read_only() || has_payload(find_volume(in.pod.spec(), mount.name()));
  TIPHYS_TRY(int32_t, propagation, cri_propagation(mount.mount_propagation()));
  out.propagation = propagation;
  Result<bool> recursive = recursive_read_only(mount);
  if (!recursive) return recursive.error();
  Result<std::string> path = resolve_sub_path(in, mount, volume->second, index);
  if (!path) return path.error();
  out.host_path = *path;
  return out;
}

}  // namespace

Result<std::vector<ResolvedMount>> resolve_mounts(const MountInput& in) {
  std::vector<ResolvedMount> out;
  if (!in.container.volume_devices().empty()) {
    return ApiStatus::bad_request("cannot find volume " +
                                  go_quote(in.container.volume_devices()[0].name()) +
                                  " to pass into container " + go_quote(in.container.name()));
  }
  bool own_hosts = false;
  size_t index = 0;
  for (core_v1::VolumeMount mount : in.container.volume_mounts()) {
    if (mount.mount_path() == "/etc/hosts") own_hosts = true;
    Result<ResolvedMount> one = resolve_one(in, mount, index++);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  if (!in.hosts_file.empty() && !own_hosts) out.push_back({in.hosts_file, "/etc/hosts", false, 0});
  std::string message_path(in.container.termination_message_path());
  if (!message_path.empty() && !in.message_file.empty()) {
    out.push_back({in.message_file, message_path, false, 0});
  }
  return out;
}

bool has_host_sub_path(core_v1::PodSpec spec, core_v1::Container container) {
  for (core_v1::VolumeMount mount : container.volume_mounts()) {
    bool sub = !mount.sub_path().empty() || !mount.sub_path_expr().empty();
    if (sub && find_volume(spec, mount.name()).has_host_path()) return true;
  }
  return false;
}

}  // namespace tiphys::kubelet
