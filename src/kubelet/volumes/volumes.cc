#include "kubelet/volumes/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "kubelet/volumes/atomic_writer.h"
#include "object/quantity.h"
#include "os/attributes.h"
#include "os/beneath.h"
#include "os/files.h"
#include "os/mounts.h"

namespace tiphys::kubelet {
namespace {

std::string volume_folder(const VolumeInput& in, std::string_view type, std::string_view name) {
  return in.pod_folder + "/volumes/kubernetes.io~" + std::string(type) + "/" + std::string(name);
}

int64_t fs_group(core_v1::Pod pod) {
  core_v1::PodSecurityContext context = pod.spec().security_context();
  return context.has_fs_group() ? context.fs_group() : -1;
}

Result<void> make_folder(const std::string& path, int mode, int64_t gid) {
  Result<void> made = os::make_dirs(path, 0755);
  if (!made) return made;
  if (gid >= 0) {
    Result<void> owned = os::change_group(path, gid);
    if (!owned) return owned;
  }
  return os::change_mode(path, mode);
}

Result<void> ensure_tmpfs(const std::string& path, int64_t size, int mode, int64_t gid) {
  Result<void> made = os::make_dirs(path, 0755);
  if (!made) return made;
  if (!os::is_mount_point(path)) {
    Result<void> mounted = os::mount_tmpfs(path, size, mode);
    if (!mounted) return mounted;
  }
  return make_folder(path, mode, gid);
}

Result<std::string> set_up_empty_dir(const VolumeInput& in, core_v1::Volume volume, int64_t gid) {
  std::string path = volume_folder(in, "empty-dir", volume.name());
  std::string_view medium = volume.empty_dir().medium();
  int mode = gid >= 0 ? 02777 : 0777;
  Result<void> made;
  if (medium == "Memory") {
    made = ensure_tmpfs(path, Quantity::of(volume.empty_dir().size_limit()).value(), mode, gid);
  } else if (medium.empty()) {
    made = make_folder(path, mode, gid);
  } else {
    made =
        ApiStatus::bad_request("emptyDir medium \"" + std::string(medium) + "\" is not supported");
  }
  if (!made) return made.error();
  return path;
}

Result<void> create_file(const std::string& path) {
  os::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return ApiStatus::os_error("create " + path, errno);
  return {};
}

Result<std::string> set_up_host_path(core_v1::Volume volume) {
  std::string path(volume.host_path().path());
  std::string_view type = volume.host_path().type();
  if (type == "DirectoryOrCreate" && !os::exists(path)) {
    Result<void> made = os::make_dirs(path, 0755);
    if (!made) return made.error();
  } else if (type == "FileOrCreate" && !os::exists(path)) {
    Result<void> made = create_file(path);
    if (!made) return made.error();
  }
  struct stat info{};
  bool present = ::stat(path.c_str(), &info) == 0;
  auto refuse = [&](const char* what) {
    return ApiStatus::bad_request("hostPath type check failed: " + path + " is not " + what);
  };
  if (type.starts_with("Directory") && !(present && S_ISDIR(info.st_mode)))
    return refuse("a directory");
  if (type.starts_with("File") && !(present && S_ISREG(info.st_mode))) return refuse("a file");
  if (type == "Socket" && !(present && S_ISSOCK(info.st_mode))) return refuse("a socket file");
  if (type == "CharDevice" && !(present && S_ISCHR(info.st_mode)))
    return refuse("a character device");
  if (type == "BlockDevice" && !(present && S_ISBLK(info.st_mode))) return refuse("a block device");
  return path;
}

std::string_view payload_type(core_v1::Volume volume) {
  if (volume.has_config_map()) return "configmap";
  if (volume.has_secret()) return "secret";
  if (volume.has_downward_api()) return "downward-api";
  return "projected";
}

Result<std::string> set_up_payload(const VolumeInput& in, core_v1::Volume volume, int64_t gid) {
  PayloadInput payload_input;
  payload_input.context = {core_v1::Pod(*in.pod), in.pod_ips, in.host_ips, in.allocatable};
  payload_input.fetched = &in.fetched;
  payload_input.tokens = &in.tokens;
  Result<Payload> payload = volume_payload(payload_input, volume);
  if (!payload) return payload.error();
  std::string path = volume_folder(in, payload_type(volume), volume.name());
  bool secret = volume.has_secret() || volume.has_projected();  // never on a disk
  int mode = gid >= 0 ? 02777 : 0777;
  Result<void> made = secret ? ensure_tmpfs(path, 0, mode, gid) : make_folder(path, mode, gid);
  if (!made) return made.error();
  Result<bool> written = write_payload(path, *payload, gid, in.now);
  if (!written) return written.error();
  return path;
}

Result<std::string> set_up_volume(const VolumeInput& in, core_v1::Volume volume, int64_t gid) {
  if (volume.has_empty_dir()) return set_up_empty_dir(in, volume, gid);
  if (volume.has_host_path()) return set_up_host_path(volume);
  if (has_payload(volume)) return set_up_payload(in, volume, gid);
  if (volume.has_persistent_volume_claim()) {
    return ApiStatus::bad_request("persistent volume claims are not supported by this kubelet yet");
  }
  return ApiStatus::bad_request("no volume plugin matched");
}

int32_t cri_propagation(std::string_view mode) {
  if (mode == "HostToContainer") return 1;
  if (mode == "Bidirectional") return 2;
  return 0;
}

// Binds a path inside a volume to a folder of the kubelet's, through its descriptor: the pod may
// change its volume while we look.
Result<std::string> bind_sub_path(const MountInput& in, const std::string& volume, size_t index,
                                  std::string_view volume_name, const std::string& sub_path) {
  if (sub_path.starts_with('/') || ("/" + sub_path + "/").find("/../") != std::string::npos) {
    return ApiStatus::bad_request("subPath \"" + sub_path +
                                  "\" must be relative and not contain '..'");
  }
  Result<os::Fd> inside = os::open_beneath(volume, sub_path, true);
  if (!inside) return inside.error();
  struct stat info{};
  if (::fstat(inside->get(), &info) != 0) return ApiStatus::os_error("stat " + sub_path, errno);
  std::string folder = in.pod_folder + "/volume-subpaths/" + std::string(volume_name) + "/" +
                       std::string(in.container.name());
  std::string target = folder + "/" + std::to_string(index);
  Result<void> made = os::make_dirs(S_ISDIR(info.st_mode) ? target : folder, 0750);
  if (made && !S_ISDIR(info.st_mode)) made = create_file(target);
  if (!made) return made.error();
  if (os::is_mount_point(target)) {
    Result<void> gone = os::unmount(target);
    if (!gone) return gone.error();
  }
  Result<void> bound =
      os::mount_bind("/proc/self/fd/" + std::to_string(inside->get()), target, false);
  if (!bound) return bound.error();
  return target;
}

// What shows API objects can't be written, whatever the mount says.
bool is_read_only(core_v1::PodSpec spec, core_v1::VolumeMount mount) {
  if (mount.read_only()) return true;
  for (core_v1::Volume volume : spec.volumes()) {
    if (volume.name() == mount.name()) return has_payload(volume);
  }
  return false;
}

Result<ResolvedMount> resolve_one(const MountInput& in, core_v1::VolumeMount mount, size_t index) {
  auto volume = in.volumes.find(std::string(mount.name()));
  if (volume == in.volumes.end()) {
    return ApiStatus::bad_request("cannot find volume \"" + std::string(mount.name()) +
                                  "\" to mount into container \"" +
                                  std::string(in.container.name()) + "\"");
  }
  ResolvedMount out;
  out.container_path = std::string(mount.mount_path());
  if (!out.container_path.starts_with('/')) out.container_path = "/" + out.container_path;
  out.read_only = is_read_only(in.pod.spec(), mount);
  out.propagation = cri_propagation(mount.mount_propagation());
  out.host_path = volume->second;
  std::string sub_path(mount.sub_path());
  if (!mount.sub_path_expr().empty()) {
    std::string missing;
    sub_path = expand_variables(mount.sub_path_expr(), in.variables, &missing);
    if (!missing.empty()) {
      return ApiStatus::bad_request("missing value for \"" + missing + "\" in subPathExpr");
    }
  }
  if (sub_path.empty()) return out;
  Result<std::string> bound = bind_sub_path(in, out.host_path, index, mount.name(), sub_path);
  if (!bound) return bound.error();
  out.host_path = *bound;
  return out;
}

}  // namespace

Result<std::map<std::string, std::string>> set_up_volumes(const VolumeInput& in) {
  core_v1::Pod pod(*in.pod);
  std::map<std::string, std::string> out;
  Result<void> made = os::make_dirs(in.pod_folder + "/volumes", 0750);
  if (!made) return made.error();
  for (core_v1::Volume volume : pod.spec().volumes()) {
    Result<std::string> path = set_up_volume(in, volume, fs_group(pod));
    if (!path) {
      return ApiStatus::internal("MountVolume.SetUp failed for volume \"" +
                                 std::string(volume.name()) + "\" : " + path.error().message());
    }
    out.emplace(volume.name(), *path);
  }
  return out;
}

Result<void> tear_down_pod_folder(const std::string& pod_folder) {
  Result<void> gone = os::unmount_below(pod_folder);
  if (!gone) return gone;
  return os::remove_tree(pod_folder);
}

Result<std::vector<ResolvedMount>> resolve_mounts(const MountInput& in) {
  std::vector<ResolvedMount> out;
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

}  // namespace tiphys::kubelet
