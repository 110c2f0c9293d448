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
#include "kubelet/logs/log_file.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kCompressed = ".gz";
constexpr std::string_view kTemporary = ".tmp";
constexpr size_t kMemberBytes = 1 << 20;
constexpr int kCompressionLevel = 6;

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

namespace {

Result<void> compress_in(const os::Folder& folder, const std::string& name) {
  TIPHYS_TRY(os::Fd, from, folder.open_file(name, O_RDONLY));
  struct stat info{};
  if (::fstat(from.get(), &info) != 0) return ApiStatus::os_error("stat " + name, errno);
  if (!S_ISREG(info.st_mode)) return ApiStatus::internal(name + " is no regular file");
  std::string temporary = name + std::string(kTemporary);
  TIPHYS_TRY(os::Fd, to,
             folder.open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, int(info.st_mode & 0777)));
  Result<void> done = compress(from.get(), to.get());
  if (done) done = folder.rename(temporary, name + std::string(kCompressed));
  if (!done) {
    (void)folder.remove(temporary);
    return done;
  }
  return folder.remove(name);
}

Result<void> tidy_up(const LogFile& log, int64_t max_files) {
  TIPHYS_TRY(std::vector<std::string>, names, log.folder.names());
  RotationPlan plan = plan_rotation(names, log.name, max_files);
  for (const std::string& name : plan.remove) {
    Result<void> removed = log.folder.remove(name);
    if (!removed) return removed;
  }
  for (const std::string& name : plan.compress) {
    Result<void> packed = compress_in(log.folder, name);
    if (!packed) return packed;
  }
  return {};
}

}  // namespace

Result<void> compress_log(const std::string& path) {
  TIPHYS_TRY(LogFile, log, find_log_file(path));
  return compress_in(log.folder, log.name);
}

Result<std::string> rotate_log(const std::string& path, int64_t max_files, MicroTime now) {
  TIPHYS_TRY(LogFile, log, find_log_file(path));
  std::string stamp = "." + local_stamp(now);
  std::string rotated = log.name + stamp;
  bool taken =
      log.folder.bytes(rotated) >= 0 || log.folder.bytes(rotated + std::string(kCompressed)) >= 0;
  if (taken) return ApiStatus::internal(path + stamp + " is there already");
  Result<void> done = tidy_up(log, max_files);
  if (done) done = log.folder.rename(log.name, rotated);
  if (!done) return done.error();
  return path + stamp;
}

void undo_rotation(const std::string& rotated, const std::string& path) {
  Result<LogFile> log = find_log_file(path);
  if (!log || log->folder.bytes(log->name) >= 0) return;
  (void)log->folder.rename(rotated.substr(rotated.rfind('/') + 1), log->name);
}

int64_t log_bytes(const std::string& path) {
  Result<LogFile> log = find_log_file(path);
  return log ? log->folder.bytes(log->name) : -1;
}

void remove_logs(const std::string& path) {
  if (path.empty()) return;
  Result<LogFile> log = find_log_file(path);
  if (!log) return;
  (void)log->folder.remove(log->name);
  Result<std::vector<std::string>> names = log->folder.names();
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.starts_with(log->name + ".")) (void)log->folder.remove(name);
  }
}

}  // namespace tiphys::kubelet
