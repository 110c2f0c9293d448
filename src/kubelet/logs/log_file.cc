#include "kubelet/logs/log_file.h"

namespace tiphys::kubelet {
namespace {

constexpr int kOwnParts = 2;  // the pod's folder and the container's

}  // namespace

Result<LogFile> find_log_file(const std::string& path) {
  size_t name = path.rfind('/');
  if (name == std::string::npos || name == 0) {
    return ApiStatus::internal("log " + path + " is in no folder");
  }
  size_t root = name;
  for (int i = 0; i < kOwnParts && root > 0; ++i) root = path.rfind('/', root - 1);
  TIPHYS_TRY(os::Folder, folder,
             os::Folder::open(path.substr(0, root + 1), path.substr(root + 1, name - root - 1)));
  return LogFile{std::move(folder), path.substr(name + 1)};
}

}  // namespace tiphys::kubelet
