// Control groups: where controllers are mounted (v1, v2, hybrid) and groups with limits in them, by
// a path that is the same in every hierarchy ("/kubepods/besteffort/pod123").
//
// Thread-safe after detect() (immutable). Hybrid means controllers in v1 and an empty v2 tree
// beside them: it is treated as v1. Sources: kernel docs admin-guide/cgroup-v1, cgroup-v2;
// KEP-2254.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/cgroup_usage.h"

namespace tiphys::os {

struct CgroupLimits {
  int64_t cpu_shares = 0;    // 0: unset
  int64_t cpu_quota_us = 0;  // a period; 0: unset, -1: no limit
  int64_t cpu_period_us = 100'000;
  int64_t memory_bytes = 0;  // 0: unset, -1: no limit
  int64_t pids = 0;          // 0: unset, -1: no limit
  // Page size as the controller names it ("2MB") -> bytes. Sizes that the kernel lacks are left
  // out.
  std::map<std::string, int64_t> huge_pages;

  bool operator==(const CgroupLimits&) const = default;
};

// Sizes of huge pages that the machine has, in bytes. Blocks shortly: /sys.
std::vector<int64_t> huge_page_sizes();
// "2MB": a size as the hugetlb controller names it.
std::string huge_page_name(int64_t bytes);

// cpu.weight of v2 for v1's cpu.shares: [2, 262144] to [1, 10000].
int64_t cpu_weight_of_shares(int64_t shares);

struct CgroupMounts {
  bool v2 = false;
  std::string unified;                    // mount point of the v2 tree, "" if none
  std::map<std::string, std::string> v1;  // controller -> mount point
};
// From the text of /proc/self/mountinfo.
CgroupMounts find_cgroup_mounts(std::string_view mountinfo);

// What is written for limits: (controller, file, text). Pure. On v2 the controller is empty.
struct CgroupWrite {
  std::string controller;
  std::string file;
  std::string text;
  bool operator==(const CgroupWrite&) const = default;
};
std::vector<CgroupWrite> cgroup_writes(bool v2, const CgroupLimits& limits);

class Cgroups {
 public:
  explicit Cgroups(CgroupMounts mounts) : mounts_(std::move(mounts)) {}
  // Errors: no cgroup file system is mounted.
  static Result<Cgroups> detect();
  bool v2() const { return mounts_.v2; }
  // Creates the group (and its parents) and writes the limits. Repeating it is fine. Error: a limit
  // can't be had, as less memory than is used.
  Result<void> create(const std::string& path, const CgroupLimits& limits) const;
  // Processes in the group and below it, in any hierarchy.
  std::vector<pid_t> processes(const std::string& path) const;
  bool exists(const std::string& path) const;
  // Names of the direct child groups, in any hierarchy.
  std::vector<std::string> children(const std::string& path) const;
  // What the group and those below it have used (cgroup_usage.cc). Errors: the group isn't there;
  // the root of a v2 tree, which has no memory.current.
  Result<CgroupUsage> usage(const std::string& path) const;
  // The CPU time alone, which every root has.
  Result<int64_t> cpu_ns(const std::string& path) const;
  // When the group or what it holds last changed (seconds since 1970); 0: it isn't there.
  int64_t changed_seconds(const std::string& path) const;
  // Sends SIGKILL to everything in the group and below it.
  void kill_all(const std::string& path) const;
  // Removes the group and everything below it. Error: it is busy (still has processes).
  Result<void> remove(const std::string& path) const;

 private:
  std::vector<std::string> roots() const;
  std::vector<DeviceUsage> devices(const std::string& path) const;
  // Where a controller keeps the group; nothing: it isn't mounted.
  std::optional<std::string> folder_of(const std::string& controller,
                                       const std::string& path) const;
  Result<void> create_v2(const std::string& path) const;
  CgroupMounts mounts_;
};

}  // namespace tiphys::os
