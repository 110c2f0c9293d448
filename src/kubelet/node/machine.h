// Facts of the machine for the node object. Blocks shortly: files of /proc and /sys.
#pragma once
#include <cstdint>
#include <string>

namespace tiphys::kubelet {

struct MachineFacts {
  int64_t cpus = 1;
  int64_t memory_bytes = 0;
  int64_t disk_bytes = 0;  // of the file system that holds root_dir
  std::string machine_id;
  std::string system_uuid;
  std::string boot_id;
  std::string kernel_version;
  std::string os_image;
  std::string architecture;  // Go's name
};
MachineFacts read_machine_facts(const std::string& root_dir);

struct MachinePressure {
  int64_t memory_available = 0;
  int64_t disk_available = 0;
  int64_t disk_total = 0;
  int64_t pids_used = 0;
  int64_t pids_max = 0;
};
MachinePressure read_machine_pressure(const std::string& root_dir);

}  // namespace tiphys::kubelet
