#include "kubelet/volumes/volumes.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/empty_dir.h"
#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/nested_mounts.h"
#include "kubelet/volumes/volume_kinds.h"
#include "os/files.h"
#include "os/mounts.h"

namespace tiphys::kubelet {
namespace {

std::string volume_folder(const std::string& pod_folder, std::string_view type,
                          std::string_view name) {
  return pod_folder + "/volumes/kubernetes.io~" + std::string(type) + "/" + std::string(name);
}

int64_t fs_group(core_v1::Pod pod) {
  core_v1::PodSecurityContext context = pod.spec().security_context();
  return context.has_fs_group() ? context.fs_group() : -1;
}

std::string_view payload_type(core_v1::Volume volume) {
  if (volume.has_config_map()) return "configmap";
  if (volume.has_secret()) return "secret";
  if (volume.has_downward_api()) return "downward-api";
  return "projected";
}

// Folders for volumes that containers mount below this one; their first names.
Result<std::set<std::string>> make_nested(core_v1::Pod pod, std::string_view volume,
                                          const std::string& folder, const Payload& payload) {
  std::set<std::string> names;
  Result<std::set<std::string>> points = nested_mount_points(pod.spec(), volume);
  if (!points) return points.error();
  for (const std::string& point : *points) {
    std::string name = point.substr(0, point.find('/'));
    bool shown = std::any_of(payload.begin(), payload.end(), [&](const auto& file) {
      return file.first == name || file.first.starts_with(name + "/");
    });
    if (shown) continue;  // there is something by that name; it is what is mounted over
    Result<void> made = os::make_dirs(folder + "/" + point, 0755);
    if (!made) {
      return ApiStatus::internal("unable to create nested volume mountpoints: " +
                                 made.error().message());
    }
    names.insert(name);
  }
  return names;
}

Result<std::string> set_up_payload(const VolumeInput& in, core_v1::Volume volume) {
  core_v1::Pod pod(*in.pod);
  PayloadInput payload_input;
  payload_input.context = {pod, in.pod_ips, in.host_ips, in.allocatable};
  payload_input.fetched = &in.fetched;
  payload_input.tokens = &in.tokens;
  Result<Payload> payload = volume_payload(payload_input, volume);
  if (!payload) return payload.error();
  std::string path = volume_folder(in.pod_folder, payload_type(volume), volume.name());
  int64_t gid = fs_group(pod);
  Result<void> made =
      volume.has_config_map()
          ? set_up_folder(path, gid)
          : set_up_memory_folder(path, memory_volume_bytes(pod, volume, in.allocatable), gid);
  if (!made) return made.error();
  Result<std::set<std::string>> nested = make_nested(pod, volume.name(), path, *payload);
  if (!nested) return nested.error();
  Result<bool> written = write_payload({path, gid, *nested}, *payload, in.now);
  if (!written) return written.error();
  return path;
}

Result<std::string> set_up_empty(const VolumeInput& in, core_v1::Volume volume) {
  EmptyDirInput input;
  input.pod = core_v1::Pod(*in.pod);
  input.volume = volume;
  input.path = empty_dir_path(in.pod_folder, volume.name());
  input.ready_file =
      in.pod_folder + "/plugins/kubernetes.io~empty-dir/" + std::string(volume.name()) + "/ready";
  input.fs_group = fs_group(input.pod);
  input.allocatable = in.allocatable;
  Result<void> done = set_up_empty_dir(input);
  if (!done) return done.error();
  return input.path;
}

Result<std::string> set_up_volume(const VolumeInput& in, core_v1::Volume volume) {
  if (std::string why = unsupported(volume); !why.empty()) return ApiStatus::bad_request(why);
  if (volume.has_empty_dir()) return set_up_empty(in, volume);
  if (has_payload(volume)) return set_up_payload(in, volume);
  auto checked = in.host_paths.find(std::string(volume.name()));
  if (checked != in.host_paths.end() && !checked->second) return checked->second.error();
  return std::string(volume.host_path().path());
}

}  // namespace

std::string empty_dir_path(const std::string& pod_folder, std::string_view volume) {
  return volume_folder(pod_folder, "empty-dir", volume);
}

std::string volume_path(const std::string& pod_folder, core_v1::Volume volume) {
  if (volume.has_empty_dir()) return empty_dir_path(pod_folder, volume.name());
  bool payload = volume.has_config_map() || volume.has_secret() || volume.has_downward_api() ||
                 volume.has_projected();
  return payload ? volume_folder(pod_folder, payload_type(volume), volume.name()) : "";
}

VolumesDone set_up_volumes(const VolumeInput& in) {
  core_v1::Pod pod(*in.pod);
  VolumesDone out;
  std::vector<std::string> unprocessed;
  std::vector<std::string> reasons;
  Result<void> made = os::make_dirs(in.pod_folder + "/volumes", 0750);
  std::set<std::string, std::less<>> used = used_volumes(pod.spec());
  for (core_v1::Volume volume : pod.spec().volumes()) {
    std::string name(volume.name());
    if (!used.contains(name)) continue;
    if (std::string why = unprocessable(volume, pod.metadata().namespace_()); !why.empty()) {
      unprocessed.push_back(name);
      reasons.push_back(why);
      continue;
    }
    Result<std::string> path = made ? set_up_volume(in, volume) : Result<std::string>(made.error());
    if (path) {
      out.paths.emplace(name, *path);
    } else {
      out.failures.push_back("MountVolume.SetUp failed for volume " + go_quote(name) + " : " +
                             path.error().message());
    }
  }
  if (!unprocessed.empty()) {
    std::sort(unprocessed.begin(), unprocessed.end());
    std::string names = "[" + join(unprocessed, " ") + "]";
    out.failures.push_back("Unable to attach or mount volumes: unmounted volumes=" + names +
                           ", unattached volumes=[], failed to process volumes=" + names + ": " +
                           join(reasons, "; "));
  }
  return out;
}

Result<void> tear_down_pod_folder(const std::string& pod_folder) {
  Result<void> gone = os::unmount_below(pod_folder);
  if (!gone) return gone;
  return os::remove_tree(pod_folder);
}

}  // namespace tiphys::kubelet
