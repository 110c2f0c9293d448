#include "os/cgroup_usage.h"

#include <algorithm>

#include "base/strings.h"
#include "os/cgroups.h"
#include "os/files.h"

namespace tiphys::os {
namespace {

constexpr size_t kMaxStatBytes = 64 * 1024;
constexpr int64_t kNanosPerMicro = 1000;
constexpr int64_t kNoLimitV1 = int64_t{1} << 62;  // v1 writes the largest number of whole pages

Result<int64_t> read_number(const std::string& path) {
  TIPHYS_TRY(std::string, text, read_file(path, kMaxStatBytes));
  std::optional<int64_t> number = parse_int(trim(text));
  if (!number) return ApiStatus::internal("no number in " + path);
  return *number;
}

Result<int64_t> read_cpu(bool v2, const std::string& folder) {
  if (!v2) return read_number(folder + "/cpuacct.usage");
  TIPHYS_TRY(std::string, text, read_file(folder + "/cpu.stat", kMaxStatBytes));
  std::optional<int64_t> micros = flat_keyed(text, "usage_usec");
  if (!micros) return ApiStatus::internal("no usage_usec in " + folder + "/cpu.stat");
  return *micros * kNanosPerMicro;
}

Result<void> read_memory(bool v2, const std::string& folder, CgroupUsage& out) {
  TIPHYS_TRY(int64_t, used,
             read_number(folder + (v2 ? "/memory.current" : "/memory.usage_in_bytes")));
  out.memory_bytes = used;
  TIPHYS_TRY(std::string, stat, read_file(folder + "/memory.stat", kMaxStatBytes));
  read_memory_stat(v2, stat, out);
  if (v2) out.swap_bytes = read_number(folder + "/memory.swap.current").value_or(0);
  Result<std::string> limit =
      read_file(folder + (v2 ? "/memory.max" : "/memory.limit_in_bytes"), kMaxStatBytes);
  if (limit) out.memory_limit_bytes = memory_limit(trim(*limit));
  return {};
}

}  // namespace

std::optional<int64_t> flat_keyed(std::string_view text, std::string_view key) {
  for (std::string_view line : split(text, '\n')) {
    std::optional<std::string_view> rest = cut_prefix(line, key);
    if (rest && rest->starts_with(' ')) return parse_int(rest->substr(1));
  }
  return std::nullopt;
}

void read_memory_stat(bool v2, std::string_view text, CgroupUsage& out) {
  auto number = [&](std::string_view key) { return flat_keyed(text, key).value_or(0); };
  out.inactive_file_bytes = number(v2 ? "inactive_file" : "total_inactive_file");
  out.rss_bytes = number(v2 ? "anon" : "total_rss");
  out.cache_bytes = number(v2 ? "file" : "total_cache");
  out.page_faults = number(v2 ? "pgfault" : "total_pgfault");
  out.mapped_file_bytes = number(v2 ? "file_mapped" : "total_mapped_file");
  if (!v2) out.swap_bytes = number("total_swap");
  out.major_page_faults = number(v2 ? "pgmajfault" : "total_pgmajfault");
}

void read_throttling(bool v2, std::string_view text, CgroupUsage& out) {
  auto number = [&](std::string_view key) { return flat_keyed(text, key).value_or(0); };
  out.cpu_periods = number("nr_periods");
  out.cpu_throttled_periods = number("nr_throttled");
  out.cpu_throttled_ns = v2 ? number("throttled_usec") * kNanosPerMicro : number("throttled_time");
}

std::vector<DeviceUsage> read_io_stat(std::string_view text) {
  std::vector<DeviceUsage> out;
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> words = split(line, ' ');
    if (words.size() < 2) continue;
    DeviceUsage one{std::string(words[0])};
    for (std::string_view word : words) {
      auto read = [word](std::string_view key, int64_t& to) {
        if (auto value = cut_prefix(word, key)) to = parse_int(*value).value_or(0);
      };
      read("rbytes=", one.read_bytes);
      read("wbytes=", one.written_bytes);
      read("rios=", one.reads);
      read("wios=", one.writes);
    }
    out.push_back(std::move(one));
  }
  return out;
}

namespace {

// Lines "8:0 Read 123"; others, as the total, are left out.
void read_blkio_file(std::string_view text, int64_t DeviceUsage::* read,
                     int64_t DeviceUsage::* written, std::vector<DeviceUsage>& out) {
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> words = split(line, ' ');
    if (words.size() != 3 || (words[1] != "Read" && words[1] != "Write")) continue;
    auto known = std::ranges::find(out, words[0], &DeviceUsage::device);
    if (known == out.end()) known = out.insert(out.end(), DeviceUsage{std::string(words[0])});
    (*known).*(words[1] == "Read" ? read : written) = parse_int(words[2]).value_or(0);
  }
}

}  // namespace

std::vector<DeviceUsage> read_blkio(std::string_view bytes, std::string_view operations) {
  std::vector<DeviceUsage> out;
  read_blkio_file(bytes, &DeviceUsage::read_bytes, &DeviceUsage::written_bytes, out);
  read_blkio_file(operations, &DeviceUsage::reads, &DeviceUsage::writes, out);
  return out;
}

int64_t memory_limit(std::string_view text) {
  int64_t limit = parse_int(text).value_or(0);
  return limit > 0 && limit < kNoLimitV1 ? limit : 0;
}

std::optional<std::string> Cgroups::folder_of(const std::string& controller,
                                              const std::string& path) const {
  auto mount = mounts_.v1.find(controller);
  if (mount != mounts_.v1.end()) return mount->second + path;
  if (mounts_.unified.empty()) return std::nullopt;
  return mounts_.unified + path;
}

Result<int64_t> Cgroups::cpu_ns(const std::string& path) const {
  std::optional<std::string> folder = folder_of("cpuacct", path);
  if (!folder) return ApiStatus::internal("no cgroup controller cpuacct");
  return read_cpu(!mounts_.v1.contains("cpuacct"), *folder);
}

namespace {

// "8:0" -> "/dev/sda", where the kernel names it.
void name_devices(std::vector<DeviceUsage>& devices) {
  for (DeviceUsage& one : devices) {
    Result<std::string> told = read_file("/sys/dev/block/" + one.device + "/uevent", kMaxStatBytes);
    if (!told) continue;
    for (std::string_view line : split(*told, '\n')) {
      if (auto name = cut_prefix(line, "DEVNAME=")) one.device = "/dev/" + std::string(*name);
    }
  }
}

}  // namespace

std::vector<DeviceUsage> Cgroups::devices(const std::string& path) const {
  std::optional<std::string> folder = folder_of("blkio", path);
  if (!folder) return {};
  auto text = [&](const char* file) {
    return read_file(*folder + file, kMaxStatBytes).value_or("");
  };
  std::vector<DeviceUsage> devices =
      mounts_.v1.contains("blkio") ? read_blkio(text("/blkio.throttle.io_service_bytes_recursive"),
                                                text("/blkio.throttle.io_serviced_recursive"))
                                   : read_io_stat(text("/io.stat"));
  name_devices(devices);
  return devices;
}

Result<CgroupUsage> Cgroups::usage(const std::string& path) const {
  std::optional<std::string> memory = folder_of("memory", path);
  if (!memory) return ApiStatus::internal("no cgroup controller memory");
  CgroupUsage out;
  TIPHYS_TRY(int64_t, spent, cpu_ns(path));
  out.cpu_ns = spent;
  bool v2 = !mounts_.v1.contains("memory");
  Result<void> read = read_memory(v2, *memory, out);
  if (!read) return read.error();
  Result<std::string> events =
      read_file(*memory + (v2 ? "/memory.events" : "/memory.oom_control"), kMaxStatBytes);
  if (events) out.oom_kills = flat_keyed(*events, "oom_kill").value_or(0);
  out.devices = devices(path);
  if (std::optional<std::string> cpu = folder_of("cpu", path)) {
    Result<std::string> stat = read_file(*cpu + "/cpu.stat", kMaxStatBytes);
    if (stat) read_throttling(!mounts_.v1.contains("cpu"), *stat, out);
  }
  return out;
}

}  // namespace tiphys::os
