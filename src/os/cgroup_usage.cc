#include "os/cgroup_usage.h"

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
  out.major_page_faults = number(v2 ? "pgmajfault" : "total_pgmajfault");
}

void read_throttling(bool v2, std::string_view text, CgroupUsage& out) {
  auto number = [&](std::string_view key) { return flat_keyed(text, key).value_or(0); };
  out.cpu_periods = number("nr_periods");
  out.cpu_throttled_periods = number("nr_throttled");
  out.cpu_throttled_ns = v2 ? number("throttled_usec") * kNanosPerMicro : number("throttled_time");
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
  if (std::optional<std::string> cpu = folder_of("cpu", path)) {
    Result<std::string> stat = read_file(*cpu + "/cpu.stat", kMaxStatBytes);
    if (stat) read_throttling(!mounts_.v1.contains("cpu"), *stat, out);
  }
  return out;
}

}  // namespace tiphys::os
