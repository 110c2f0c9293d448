// Where a container's log is: "<root>/<pod>/<container>/<attempt>.log". Pods with a hostPath may
// write below the root: neither the pod's folder nor the container's is ever followed as a link.
// Blocks.
#pragma once
#include <string>

#include "os/folder.h"

namespace tiphys::kubelet {

struct LogFile {
  os::Folder folder;
  std::string name;
};
// Error: the folder isn't there, or is a link.
Result<LogFile> find_log_file(const std::string& path);

}  // namespace tiphys::kubelet
