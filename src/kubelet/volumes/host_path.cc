#include "kubelet/volumes/host_path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/strings.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

struct HostPathType {
  std::string_view name;
  mode_t format;     // S_IFMT bits that the path must have
  const char* what;  // "... is not <what>"
};
constexpr HostPathType kTypes[] = {
    {"DirectoryOrCreate", S_IFDIR, "a directory"}, {"Directory", S_IFDIR, "a directory"},
    {"FileOrCreate", S_IFREG, "a file"},           {"File", S_IFREG, "a file"},
    {"Socket", S_IFSOCK, "a socket file"},         {"CharDevice", S_IFCHR, "a character device"},
    {"BlockDevice", S_IFBLK, "a block device"},
};

Result<void> create(const std::string& path, mode_t format) {
  if (format == S_IFDIR) return os::make_dirs(path, 0755);
  os::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
  if (!file.valid()) return ApiStatus::os_error("open " + path, errno);
  return {};
}

}  // namespace

bool has_host_path_check(core_v1::Volume volume) {
  return volume.has_host_path() && !volume.host_path().type().empty();
}

Result<void> check_host_path(const std::string& path, const std::string& type) {
  for (std::string_view part : split(path, '/')) {
    if (part == "..") {
      return ApiStatus::bad_request("invalid HostPath `" + path + "`: must not contain '..'");
    }
  }
  for (const HostPathType& wanted : kTypes) {
    if (wanted.name != type) continue;
    struct stat info{};
    bool present = ::stat(path.c_str(), &info) == 0;
    if (!present && errno == ENOENT && type.ends_with("OrCreate")) {
      return create(path, wanted.format);
    }
    if (present && (info.st_mode & S_IFMT) == wanted.format) return {};
    return ApiStatus::bad_request("hostPath type check failed: " + path + " is not " + wanted.what);
  }
  return ApiStatus::bad_request(type + " is an invalid volume type");
}

}  // namespace tiphys::kubelet
