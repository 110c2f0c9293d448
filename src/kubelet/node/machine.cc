#include "kubelet/node/machine.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/strings.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

std::string read_line(const std::string& path) {
  Result<std::string> text = os::read_file(path, 64 * 1024);
  return text ? std::string(trim(*text)) : std::string();
}

// "MemTotal:       25000 kB" of /proc/meminfo, in bytes.
int64_t meminfo(std::string_view text, std::string_view key) {
  for (std::string_view line : split(text, '\n')) {
    std::optional<std::string_view> rest = cut_prefix(line, key);
    if (!rest || !rest->starts_with(':')) continue;
    std::string_view number = trim(rest->substr(1));
    number = number.substr(0, number.find(' '));
    return parse_int(number).value_or(0) * 1024;
  }
  return 0;
}

std::string os_image() {
  Result<std::string> text = os::read_file("/etc/os-release", 64 * 1024);
  if (!text) return "Linux";
  for (std::string_view line : split(*text, '\n')) {
    std::optional<std::string_view> value = cut_prefix(line, "PRETTY_NAME=");
    if (!value) continue;
    std::string out(*value);
    std::erase(out, '"');
    return out;
  }
  return "Linux";
}

}  // namespace

MachineFacts read_machine_facts(const std::string& root_dir) {
  MachineFacts out;
  out.cpus = std::max<int64_t>(::sysconf(_SC_NPROCESSORS_ONLN), 1);
  Result<std::string> memory = os::read_file("/proc/meminfo", 64 * 1024);
  if (memory) out.memory_bytes = meminfo(*memory, "MemTotal");
  MachinePressure pressure = read_machine_pressure(root_dir);
  out.disk_bytes = pressure.disk_total;
  out.pids_max = pressure.pids_max;
  out.apparmor = read_line("/sys/module/apparmor/parameters/enabled").starts_with("Y");
  for (int64_t size : os::huge_page_sizes()) {
    std::string count = read_line("/sys/kernel/mm/hugepages/hugepages-" +
                                  std::to_string(size / 1024) + "kB/nr_hugepages");
    out.huge_pages[size] = parse_int(count).value_or(0);
  }
  out.machine_id = read_line("/etc/machine-id");
  out.system_uuid = read_line("/sys/class/dmi/id/product_uuid");
  if (out.system_uuid.empty()) out.system_uuid = out.machine_id;
  out.boot_id = read_line("/proc/sys/kernel/random/boot_id");
  out.kernel_version = read_line("/proc/sys/kernel/osrelease");
  out.os_image = os_image();
  utsname name{};
  ::uname(&name);
  std::string machine = name.machine;
  out.architecture = machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine;
  return out;
}

MachinePressure read_machine_pressure(const std::string& root_dir) {
  MachinePressure out;
  Result<std::string> memory = os::read_file("/proc/meminfo", 64 * 1024);
  if (memory) {
    out.memory_available = meminfo(*memory, "MemAvailable");
    out.swap_available = meminfo(*memory, "SwapFree");
  }
  struct statvfs disk{};
  if (::statvfs(root_dir.c_str(), &disk) == 0 || ::statvfs("/", &disk) == 0) {
    out.disk_available = static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
    out.disk_total = static_cast<int64_t>(disk.f_blocks * disk.f_frsize);
  }
  int64_t threads = parse_int(read_line("/proc/sys/kernel/threads-max")).value_or(INT64_MAX);
  out.pids_max = std::min(parse_int(read_line("/proc/sys/kernel/pid_max")).value_or(0), threads);
  std::string load = read_line("/proc/loadavg");  // "0.00 0.01 0.05 1/123 4567"
  size_t slash = load.find('/');
  if (slash != std::string::npos) {
    std::string_view rest = std::string_view(load).substr(slash + 1);
    out.pids_used = parse_int(rest.substr(0, rest.find(' '))).value_or(0);
  }
  return out;
}

void read_meminfo_usage(std::string_view text, os::CgroupUsage& out) {
  out.memory_bytes = meminfo(text, "MemTotal") - meminfo(text, "MemFree");
  out.inactive_file_bytes = meminfo(text, "Inactive(file)");
  out.rss_bytes = meminfo(text, "AnonPages");
  out.swap_bytes = meminfo(text, "SwapTotal") - meminfo(text, "SwapFree");
}

std::optional<os::CgroupUsage> read_machine_usage(const os::Cgroups& groups) {
  Result<os::CgroupUsage> root = groups.usage("");
  Result<std::string> memory = os::read_file("/proc/meminfo", 64 * 1024);
  if (!memory) return std::nullopt;
  if (root) {
    root->memory_limit_bytes = meminfo(*memory, "MemTotal");
    return *root;
  }
  Result<int64_t> cpu_ns = groups.cpu_ns("");
  if (!cpu_ns) return std::nullopt;
  os::CgroupUsage out{.cpu_ns = *cpu_ns};
  read_meminfo_usage(*memory, out);
  out.memory_limit_bytes = meminfo(*memory, "MemTotal");
  return out;
}

}  // namespace tiphys::kubelet
