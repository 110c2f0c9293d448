#include "kubelet/logs/rotation.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/strings.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kCompressed = ".gz";
constexpr std::string_view kTemporary = ".tmp";
constexpr size_t kMemberBytes = 1 << 20;
constexpr int kCompressionLevel = 6;

struct Split {
  std::string folder;
  std::string name;
};
Split split_path(const std::string& path) {
  size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::string local_stamp(MicroTime now) {
  time_t seconds = now / kMicrosPerSecond;
  struct tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  size_t size = ::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return std::string(text, size);
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return ApiStatus::os_error("write compressed log", errno);
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return {};
}

Result<void> compress(int from, int to) {
  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor(
      libdeflate_alloc_compressor(kCompressionLevel), libdeflate_free_compressor);
  if (!compressor) return ApiStatus::internal("no memory to compress a log");
  std::string in(kMemberBytes, '\0');
  std::string out(libdeflate_gzip_compress_bound(compressor.get(), kMemberBytes), '\0');
  while (true) {
    ssize_t got = ::read(from, in.data(), in.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ApiStatus::os_error("read log", errno);
    if (got == 0) return {};
    size_t size = libdeflate_gzip_compress(compressor.get(), in.data(), static_cast<size_t>(got),
                                           out.data(), out.size());
    Result<void> written = write_all(to, std::string_view(out).substr(0, size));
    if (!written) return written;
  }
}

}  // namespace

RotationPlan plan_rotation(const std::vector<std::string>& names, const std::string& log,
                           int64_t max_files) {
  RotationPlan out;
  std::vector<std::string> used;
  for (const std::string& name : names) {
    if (!name.starts_with(log + ".")) continue;
    bool packed_too = std::ranges::count(names, name + std::string(kCompressed)) > 0;
    bool unused = name.ends_with(kTemporary) || (!name.ends_with(kCompressed) && packed_too);
    (unused ? out.remove : used).push_back(name);
  }
  std::ranges::sort(used);
  auto kept = static_cast<size_t>(std::max<int64_t>(max_files - 2, 0));
  size_t excess = used.size() > kept ? used.size() - kept : 0;
  for (size_t i = 0; i < used.size(); ++i) {
    if (i < excess) {
      out.remove.push_back(used[i]);
    } else if (!used[i].ends_with(kCompressed)) {
      out.compress.push_back(used[i]);
    }
  }
  return out;
}

Result<void> compress_log(const std::string& path) {
  os::Fd from(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!from.valid()) return ApiStatus::os_error("open " + path, errno);
  struct stat info{};
  if (::fstat(from.get(), &info) != 0) return ApiStatus::os_error("stat " + path, errno);
  std::string temporary = path + std::string(kTemporary);
  os::Fd to(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                   info.st_mode & 0777));
  if (!to.valid()) return ApiStatus::os_error("open " + temporary, errno);
  Result<void> done = compress(from.get(), to.get());
  if (done) done = os::rename_path(temporary, path + std::string(kCompressed));
  if (!done) {
    (void)os::remove_file(temporary);
    return done;
  }
  return os::remove_file(path);
}

Result<std::string> rotate_log(const std::string& path, int64_t max_files, MicroTime now) {
  std::string rotated = path + "." + local_stamp(now);
  if (os::exists(rotated) || os::exists(rotated + std::string(kCompressed))) {
    return ApiStatus::internal(rotated + " is there already");
  }
  Split parts = split_path(path);
  TIPHYS_TRY(std::vector<std::string>, names, os::list_dir(parts.folder));
  RotationPlan plan = plan_rotation(names, parts.name, max_files);
  for (const std::string& name : plan.remove) {
    Result<void> removed = os::remove_file(parts.folder + "/" + name);
    if (!removed) return removed.error();
  }
  for (const std::string& name : plan.compress) {
    Result<void> packed = compress_log(parts.folder + "/" + name);
    if (!packed) return packed.error();
  }
  Result<void> renamed = os::rename_path(path, rotated);
  if (!renamed) return renamed.error();
  return rotated;
}

int64_t log_bytes(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_size : -1;
}

void remove_logs(const std::string& path) {
  if (path.empty()) return;
  (void)os::remove_file(path);
  Split parts = split_path(path);
  Result<std::vector<std::string>> names = os::list_dir(parts.folder);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.starts_with(parts.name + ".")) (void)os::remove_file(parts.folder + "/" + name);
  }
}

}  // namespace tiphys::kubelet
