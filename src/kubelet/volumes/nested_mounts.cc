#include "kubelet/volumes/nested_mounts.h"

#include <vector>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

// As Go's path.Clean of an absolute path: no empty, "." or ".." parts.
std::string clean(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.emplace_back(part);
  }
  return "/" + join(parts, "/");
}

bool leads_out(std::string_view path) { return path == ".." || path.starts_with("../"); }

template <class Container>
Result<void> collect(Container container, std::string_view volume, std::set<std::string>& out) {
  std::set<std::string> all;
  std::set<std::string> mine;
  for (core_v1::VolumeMount mount : container.volume_mounts()) {
    std::string path = clean(mount.mount_path());
    all.insert(path);
    if (mount.name() != volume) continue;
    if (leads_out(mount.mount_path())) {
      return ApiStatus::bad_request("invalid container mount point " +
                                    std::string(mount.mount_path()));
    }
    mine.insert(path);
  }
  for (const std::string& base : mine) {
    std::string prefix = base == "/" ? base : base + "/";
    std::vector<std::string> found;  // a parent comes before what is below it
    for (const std::string& path : all) {
      if (!path.starts_with(prefix) || path == base) continue;
      bool below = false;
      for (const std::string& other : found) below = below || path.starts_with(other + "/");
      if (below) continue;
      found.push_back(path);
      out.insert(path.substr(prefix.size()));
    }
  }
  return {};
}

}  // namespace

Result<std::set<std::string>> nested_mount_points(core_v1::PodSpec spec, std::string_view volume) {
  std::set<std::string> out;
  for (core_v1::Container c : spec.init_containers()) {
    Result<void> done = collect(c, volume, out);
    if (!done) return done.error();
  }
  for (core_v1::Container c : spec.containers()) {
    Result<void> done = collect(c, volume, out);
    if (!done) return done.error();
  }
  for (core_v1::EphemeralContainer c : spec.ephemeral_containers()) {
    Result<void> done = collect(c, volume, out);
    if (!done) return done.error();
  }
  return out;
}

}  // namespace tiphys::kubelet
