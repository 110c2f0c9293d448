#include "kubelet/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "base/strings.h"
#include "os/cgroup_usage.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxBytes = 64 * 1024;

void append(const char* name, const char* type, double value, std::string& out) {
  char number[64];
  snprintf(number, sizeof number, "%.15g", value);
  out += std::string("# TYPE ") + name + " " + type + "\n" + name + " " + number + "\n";
}

double cpu_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

double open_files() {
  std::error_code error;
  std::filesystem::directory_iterator at("/proc/self/fd", error), end;
  double count = 0;
  for (; !error && at != end; at.increment(error)) ++count;
  return count;
}

// The 22nd field of /proc/self/stat, in ticks after the boot.
double start_seconds() {
  Result<std::string> stat = os::read_file("/proc/self/stat", kMaxBytes);
  Result<std::string> machine = os::read_file("/proc/stat");
  if (!stat || !machine) return 0;
  std::vector<std::string_view> fields =
      split(std::string_view(*stat).substr(stat->rfind(')') + 1), ' ');
  if (fields.size() < 21) return 0;
  auto ticks = static_cast<double>(parse_int(fields[20]).value_or(0));
  return static_cast<double>(os::flat_keyed(*machine, "btime").value_or(0)) +
         ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

std::string process_metrics_text() {
  std::string out;
  append("process_cpu_seconds_total", "counter", cpu_seconds(), out);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  append("process_max_fds", "gauge", static_cast<double>(files.rlim_cur), out);
  append("process_open_fds", "gauge", open_files(), out);
  Result<std::string> statm = os::read_file("/proc/self/statm", kMaxBytes);
  std::vector<std::string_view> pages;
  if (statm) pages = split(*statm, ' ');
  if (pages.size() >= 2) {
    auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    auto bytes = [page](std::string_view text) {
      return static_cast<double>(parse_int(text).value_or(0)) * page;
    };
    append("process_resident_memory_bytes", "gauge", bytes(pages[1]), out);
    append("process_virtual_memory_bytes", "gauge", bytes(pages[0]), out);
  }
  append("process_start_time_seconds", "gauge", start_seconds(), out);
  return out;
}

}  // namespace tiphys::kubelet
