#include "os/cgroups.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/strings.h"
#include "os/files.h"
#include "os/mounts.h"

namespace tiphys::os {
namespace {

constexpr const char* kManaged[] = {"cpu", "memory", "pids", "hugetlb"};
constexpr const char* kHugePages = "/sys/kernel/mm/hugepages";

// Files of cgroupfs take one write and can't be created.
Result<void> write_control(const std::string& path, const std::string& text) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return ApiStatus::os_error("open " + path, errno);
  if (::write(fd.get(), text.data(), text.size()) < 0) {
    return ApiStatus::os_error("write " + path, errno);
  }
  return {};
}

std::string number_or(int64_t value, const char* unlimited) {
  return value < 0 ? unlimited : std::to_string(value);
}

std::vector<std::string> child_folders(const std::string& folder) {
  std::vector<std::string> out;
  Result<std::vector<std::string>> names = list_dir(folder);
  if (!names) return out;
  for (const std::string& name : *names) {
    if (is_directory(folder + "/" + name)) out.push_back(name);
  }
  return out;
}

void collect_processes(const std::string& folder, std::set<pid_t>& out) {
  Result<std::string> text = read_file(folder + "/cgroup.procs");
  if (!text) return;
  for (std::string_view line : split(*text, '\n')) {
    if (std::optional<int64_t> pid = parse_int(line)) out.insert(static_cast<pid_t>(*pid));
  }
  for (const std::string& name : child_folders(folder)) collect_processes(folder + "/" + name, out);
}

Result<void> remove_group(const std::string& folder) {
  for (const std::string& name : child_folders(folder)) {
    Result<void> child = remove_group(folder + "/" + name);
    if (!child) return child;
  }
  if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) {
    return ApiStatus::os_error("remove cgroup " + folder, errno);
  }
  return {};
}

}  // namespace

int64_t cpu_weight_of_shares(int64_t shares) {
  shares = std::clamp<int64_t>(shares, 2, 262'144);
  return 1 + ((shares - 2) * 9999) / 262'142;
}

CgroupMounts find_cgroup_mounts(std::string_view mountinfo) {
  CgroupMounts out;
  for (const MountEntry& mount : parse_mountinfo(mountinfo)) {
    if (mount.fs_type == "cgroup2" && out.unified.empty()) out.unified = mount.mount_point;
    if (mount.fs_type != "cgroup") continue;
    for (std::string_view option : split(mount.super_options, ',')) {
      if (option == "rw" || option == "ro") continue;
      out.v1.emplace(std::string(option), mount.mount_point);
    }
  }
  out.v2 = !out.unified.empty() && !out.v1.contains("memory") && !out.v1.contains("cpu");
  return out;
}

std::vector<CgroupWrite> cgroup_writes(bool v2, const CgroupLimits& l) {
  std::vector<CgroupWrite> out;
  if (l.cpu_shares > 0) {
    out.push_back(
        v2 ? CgroupWrite{"", "cpu.weight", std::to_string(cpu_weight_of_shares(l.cpu_shares))}
           : CgroupWrite{"cpu", "cpu.shares", std::to_string(l.cpu_shares)});
  }
  if (l.cpu_quota_us != 0 && v2) {
    out.push_back(
        {"", "cpu.max", number_or(l.cpu_quota_us, "max") + " " + std::to_string(l.cpu_period_us)});
  } else if (l.cpu_quota_us != 0) {
    out.push_back({"cpu", "cpu.cfs_period_us", std::to_string(l.cpu_period_us)});
    out.push_back({"cpu", "cpu.cfs_quota_us", number_or(l.cpu_quota_us, "-1")});
  }
  if (l.memory_bytes != 0) {
    out.push_back(
        v2 ? CgroupWrite{"", "memory.max", number_or(l.memory_bytes, "max")}
           : CgroupWrite{"memory", "memory.limit_in_bytes", number_or(l.memory_bytes, "-1")});
  }
  if (l.pids != 0) out.push_back({v2 ? "" : "pids", "pids.max", number_or(l.pids, "max")});
  for (const auto& [size, bytes] : l.huge_pages) {
    std::string file = "hugetlb." + size + (v2 ? ".max" : ".limit_in_bytes");
    out.push_back({v2 ? "" : "hugetlb", file, std::to_string(bytes)});
  }
  return out;
}

std::string huge_page_name(int64_t bytes) {
  const char* units[] = {"KB", "MB", "GB"};
  size_t unit = 0;
  int64_t count = bytes / 1024;
  while (count >= 1024 && count % 1024 == 0 && unit < 2) {
    count /= 1024;
    ++unit;
  }
  return std::to_string(count) + units[unit];
}

std::vector<int64_t> huge_page_sizes() {
  std::vector<int64_t> out;
  Result<std::vector<std::string>> names = list_dir(kHugePages);
  if (!names) return out;
  for (std::string_view name : *names) {  // "hugepages-2048kB"
    std::optional<std::string_view> size = cut_prefix(name, "hugepages-");
    if (!size || !size->ends_with("kB")) continue;
    std::optional<int64_t> count = parse_int(size->substr(0, size->size() - 2));
    if (count) out.push_back(*count * 1024);
  }
  return out;
}

Result<Cgroups> Cgroups::detect() {
  TIPHYS_TRY(std::string, text, read_file("/proc/self/mountinfo"));
  CgroupMounts mounts = find_cgroup_mounts(text);
  if (!mounts.v2 && mounts.v1.empty()) {
    return ApiStatus::internal("no cgroup file system is mounted");
  }
  return Cgroups(std::move(mounts));
}

std::vector<std::string> Cgroups::roots() const {
  std::set<std::string> out;
  for (const auto& [controller, mount_point] : mounts_.v1) out.insert(mount_point);
  if (!mounts_.unified.empty()) out.insert(mounts_.unified);
  return {out.begin(), out.end()};
}

Result<void> Cgroups::create_v2(const std::string& path) const {
  std::string folder = mounts_.unified;
  for (std::string_view part : split(path, '/')) {
    if (part.empty()) continue;
    for (const char* controller : {"cpu", "memory", "pids", "hugetlb", "cpuset", "io"}) {
      // What isn't available at this level stays off; limits then fail with the file's name.
      (void)write_control(folder + "/cgroup.subtree_control", "+" + std::string(controller));
    }
    folder += "/" + std::string(part);
    Result<void> made = make_dirs(folder);
    if (!made) return made;
  }
  return {};
}

Result<void> Cgroups::create(const std::string& path, const CgroupLimits& limits) const {
  if (mounts_.v2) {
    Result<void> made = create_v2(path);
    if (!made) return made;
  } else {
    for (const char* controller : kManaged) {
      auto mount = mounts_.v1.find(controller);
      if (mount == mounts_.v1.end()) continue;
      Result<void> made = make_dirs(mount->second + path);
      if (!made) return made;
    }
  }
  for (const CgroupWrite& write : cgroup_writes(mounts_.v2, limits)) {
    auto mount = mounts_.v1.find(write.controller);
    if (!mounts_.v2 && mount == mounts_.v1.end()) continue;
    const std::string& root = mounts_.v2 ? mounts_.unified : mount->second;
    std::string file(root + path + "/" + write.file);
    if (write.file.starts_with("hugetlb.") && !tiphys::os::exists(file)) continue;
    Result<void> written = write_control(file, write.text);
    if (!written) return written;
  }
  return {};
}

std::vector<pid_t> Cgroups::processes(const std::string& path) const {
  std::set<pid_t> out;
  for (const std::string& root : roots()) collect_processes(root + path, out);
  return {out.begin(), out.end()};
}

bool Cgroups::exists(const std::string& path) const {
  for (const std::string& root : roots()) {
    if (is_directory(root + path)) return true;
  }
  return false;
}

std::vector<std::string> Cgroups::children(const std::string& path) const {
  std::set<std::string> out;
  for (const std::string& root : roots()) {
    for (std::string& name : child_folders(root + path)) out.insert(std::move(name));
  }
  return {out.begin(), out.end()};
}

int64_t Cgroups::changed_seconds(const std::string& path) const {
  int64_t newest = 0;
  for (const std::string& root : roots()) {
    struct stat info{};
    if (::stat((root + path).c_str(), &info) != 0) continue;
    newest = std::max<int64_t>(newest, info.st_ctim.tv_sec);
  }
  return newest;
}

void Cgroups::kill_all(const std::string& path) const {
  for (pid_t pid : processes(path)) (void)::kill(pid, SIGKILL);
}

Result<void> Cgroups::remove(const std::string& path) const {
  Result<void> result;
  for (const std::string& root : roots()) {
    Result<void> one = remove_group(root + path);
    if (!one && result) result = one.error();
  }
  return result;
}

}  // namespace tiphys::os
