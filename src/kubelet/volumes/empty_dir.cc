#include "kubelet/volumes/empty_dir.h"

#include <sys/stat.h>

#include <algorithm>

#include "kinds/pods.h"
#include "kubelet/pods/resources.h"
#include "object/quantity.h"
#include "os/attributes.h"
#include "os/files.h"
#include "os/mounts.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kHugePages = "HugePages";
constexpr std::string_view kHugePagesOfSize = "HugePages-";
constexpr std::string_view kHugePagesResource = "hugepages-";
constexpr int kMemoryMode = 01777;  // as every tmpfs is made

bool is_laid_out(const EmptyDirInput& in, std::string_view medium) {
  if (!os::exists(in.ready_file)) return false;
  // A restart of the machine takes mounts away.
  return medium.empty() ? os::is_directory(in.path) : os::is_mount_point(in.path);
}

Result<void> share_folder(const std::string& path, int64_t fs_group, int mode) {
  Result<void> made = os::make_dirs(path, 0755);
  if (made && fs_group >= 0) made = os::change_group(path, fs_group);
  if (made) made = os::change_mode(path, fs_group >= 0 ? mode | S_ISGID : mode);
  return made;
}

Result<void> set_up_huge_pages(const EmptyDirInput& in, std::string_view medium) {
  Result<int64_t> bytes = huge_page_bytes(in.pod, medium);
  if (!bytes) return bytes.error();
  Result<void> made = os::make_dirs(in.path, 0755);
  if (made) made = os::mount_huge_pages(in.path, *bytes);
  if (made) made = set_up_folder(in.path, in.fs_group);
  return made;
}

// The page sizes that anything in the pod asks for.
std::vector<int64_t> requested_pages(core_v1::PodSpec spec) {
  std::vector<int64_t> out;
  auto collect = [&out](core_v1::ResourceRequirements resources) {
    for (auto [name, amount] : resources.requests()) {
      if (!name.starts_with(kHugePagesResource)) continue;
      out.push_back(Quantity::of(name.substr(kHugePagesResource.size())).value());
    }
  };
  collect(spec.resources());
  for (core_v1::Container c : spec.containers()) collect(c.resources());
  for (core_v1::Container c : spec.init_containers()) collect(c.resources());
  return out;
}

}  // namespace

int64_t memory_volume_bytes(core_v1::Pod pod, core_v1::Volume volume,
                            const std::map<std::string, std::string>& allocatable) {
  auto node = allocatable.find("memory");
  int64_t size = node == allocatable.end() ? 0 : Quantity::of(node->second).value();
  for (int64_t limit : {pod_limits(pod.spec(), {}).memory_bytes,
                        Quantity::of(volume.empty_dir().size_limit()).value()}) {
    if (limit > 0) size = size > 0 ? std::min(size, limit) : limit;
  }
  return size;
}

Result<int64_t> huge_page_bytes(core_v1::Pod pod, std::string_view medium) {
  std::string name(medium);
  int64_t wanted = medium.starts_with(kHugePagesOfSize)
                       ? Quantity::of(medium.substr(kHugePagesOfSize.size())).value()
                       : 0;
  int64_t found = 0;
  for (int64_t size : requested_pages(pod.spec())) {
    if (wanted != 0 && size != wanted) continue;
    if (found != 0 && size != found) {
      return ApiStatus::bad_request(
          "medium: " + name + " can't be used if container requests multiple huge page sizes");
    }
    found = size;
  }
  if (found > 0) return found;
  return ApiStatus::bad_request("medium " + name +
                                ": hugePages storage requested, but there is no resource request "
                                "for huge pages");
}

Result<void> set_up_folder(const std::string& path, int64_t fs_group) {
  return share_folder(path, fs_group, 0777);
}

Result<void> set_up_memory_folder(const std::string& path, int64_t size_bytes, int64_t fs_group) {
  Result<void> made = os::make_dirs(path, 0755);
  if (made && !os::is_mount_point(path)) made = os::mount_tmpfs(path, size_bytes, kMemoryMode);
  if (made) made = share_folder(path, fs_group, kMemoryMode);
  return made;
}

Result<void> set_up_empty_dir(const EmptyDirInput& in) {
  std::string_view medium = in.volume.empty_dir().medium();
  if (is_laid_out(in, medium)) return {};
  Result<void> made;
  if (medium.empty()) {
    made = set_up_folder(in.path, in.fs_group);
  } else if (medium == "Memory") {
    int64_t size = memory_volume_bytes(in.pod, in.volume, in.allocatable);
    made = set_up_memory_folder(in.path, size, in.fs_group);
  } else if (medium == kHugePages || medium.starts_with(kHugePagesOfSize)) {
    made = set_up_huge_pages(in, medium);
  } else {
    made = ApiStatus::bad_request("unknown storage medium \"" + std::string(medium) + "\"");
  }
  if (made) made = os::make_dirs(in.ready_file.substr(0, in.ready_file.rfind('/')), 0750);
  if (made) made = os::write_file(in.ready_file, "");
  return made;
}

}  // namespace tiphys::kubelet
