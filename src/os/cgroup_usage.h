// What a control group has used, from the text of its files. Pure.
// Sources: kernel docs admin-guide/cgroup-v1/cpuacct memory and blkio-controller,
// admin-guide/cgroup-v2.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::os {

// Of a block device, since the group was made.
struct DeviceUsage {
  std::string device;  // "/dev/sda"; "8:0" where it has no name
  int64_t read_bytes = 0;
  int64_t written_bytes = 0;
  int64_t reads = 0;
  int64_t writes = 0;
  bool operator==(const DeviceUsage&) const = default;
};

struct CgroupUsage {
  int64_t cpu_ns = 0;        // since the group was made
  int64_t memory_bytes = 0;  // with page cache
  int64_t inactive_file_bytes = 0;
  int64_t rss_bytes = 0;
  int64_t page_faults = 0;
  int64_t major_page_faults = 0;
  int64_t memory_limit_bytes = 0;  // 0: none
  int64_t cache_bytes = 0;
  int64_t oom_kills = 0;
  // Of its CPU limit; without one nothing is counted.
  int64_t cpu_periods = 0;
  int64_t cpu_throttled_periods = 0;
  int64_t cpu_throttled_ns = 0;
  int64_t swap_bytes = 0;
  int64_t mapped_file_bytes = 0;
  std::vector<DeviceUsage> devices;

  // What can't be reclaimed at once: cadvisor's container_memory_working_set_bytes.
  int64_t working_set_bytes() const {
    return memory_bytes > inactive_file_bytes ? memory_bytes - inactive_file_bytes : 0;
  }
};

// The number of a line "key number" of a flat keyed file (cpu.stat, memory.stat); nothing: no such
// line, or no number.
std::optional<int64_t> flat_keyed(std::string_view text, std::string_view key);

// From cpu.stat of the controller cpu: fills what its limit did.
void read_throttling(bool v2, std::string_view text, CgroupUsage& out);

// From memory.stat: fills inactive_file, rss, cache and faults. v1 counts the groups below in
// total_ keys.
void read_memory_stat(bool v2, std::string_view text, CgroupUsage& out);

// io.stat of v2.
std::vector<DeviceUsage> read_io_stat(std::string_view text);
// v1: blkio.throttle.io_service_bytes_recursive and io_serviced_recursive.
std::vector<DeviceUsage> read_blkio(std::string_view bytes, std::string_view operations);

// memory.max or memory.limit_in_bytes; 0: no limit.
int64_t memory_limit(std::string_view text);

}  // namespace tiphys::os
