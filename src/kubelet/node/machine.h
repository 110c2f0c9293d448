// Facts of the machine for the node object. Blocks shortly: files of /proc and /sys.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "os/cgroups.h"

namespace tiphys::kubelet {

struct MachineFacts {
  int64_t cpus = 1;
  int64_t memory_bytes = 0;
  int64_t disk_bytes = 0;  // of the file system that holds root_dir
  int64_t pids_max = 0;
  bool apparmor = false;                  // the kernel enforces it
  std::map<int64_t, int64_t> huge_pages;  // bytes of a page -> how many are set aside
  std::string machine_id;
  std::string system_uuid;
  std::string boot_id;
  std::string kernel_version;
  std::string os_image;
  std::string architecture;  // Go's name
};
MachineFacts read_machine_facts(const std::string& root_dir);

struct MachinePressure {
  int64_t swap_available = 0;
  int64_t memory_available = 0;
  int64_t disk_available = 0;
  int64_t disk_total = 0;
  int64_t pids_used = 0;
  int64_t pids_max = 0;
};
MachinePressure read_machine_pressure(const std::string& root_dir);

// What everything on the machine uses: the root group's figures; of a v2 tree, whose root counts
// no memory, those of /proc/meminfo. Nothing: neither can be read.
std::optional<os::CgroupUsage> read_machine_usage(const os::Cgroups& groups);
// The memory part from the text of /proc/meminfo. Pure.
void read_meminfo_usage(std::string_view text, os::CgroupUsage& out);

}  // namespace tiphys::kubelet
