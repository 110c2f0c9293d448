// emptyDir volumes: a folder, or memory (tmpfs), or huge pages (hugetlbfs). After upstream's
// pkg/volume/emptydir. Blocks; any thread, one call a pod at a time.
#pragma once
#include <map>
#include <string>

#include "base/result.h"
#include "kinds/core_v1.h"

namespace tiphys::kubelet {

struct EmptyDirInput {
  core_v1::Pod pod;
  core_v1::Volume volume;
  std::string path;
  std::string ready_file;  // marks a volume that is laid out: it is the pod's own from then on
  int64_t fs_group = -1;   // -1: none
  std::map<std::string, std::string> allocatable;
};
Result<void> set_up_empty_dir(const EmptyDirInput& input);

// A folder that the pod shares (mode 0777, of its fsGroup), in memory (there with the sticky bit);
// what is mounted stays. Never on a disk: what secrets are written to.
Result<void> set_up_memory_folder(const std::string& path, int64_t size_bytes, int64_t fs_group);
Result<void> set_up_folder(const std::string& path, int64_t fs_group);

// Pure. The size of a tmpfs: what the volume says, at most what the pod may use, at most what the
// node has for pods. 0: nobody says.
int64_t memory_volume_bytes(core_v1::Pod pod, core_v1::Volume volume,
                            const std::map<std::string, std::string>& allocatable);
// Pure. The page size of a medium HugePages or HugePages-<size>, which a container must ask for.
Result<int64_t> huge_page_bytes(core_v1::Pod pod, std::string_view medium);

}  // namespace tiphys::kubelet
