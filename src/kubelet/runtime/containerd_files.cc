#include <signal.h>

#include "base/strings.h"
#include "kubelet/runtime/containerd.h"
#include "os/files.h"
#include "os/pidfd.h"

namespace tiphys::kubelet {

extern const unsigned char kPauseImage[];  // made by tools/image_archive.py
extern const size_t kPauseImageSize;

namespace {

std::string cni_bin_dir(const Options& options) {
  for (const std::string& folder : options.cni_bin_dirs) {
    if (os::exists(folder + "/bridge")) return folder;
  }
  return options.cni_bin_dirs.empty() ? "/opt/cni/bin" : options.cni_bin_dirs[0];
}

}  // namespace

Result<void> write_containerd_files(const Options& options) {
  ContainerdPaths paths = containerd_paths(options);
  ContainerdSettings settings;
  settings.cni_bin_dir = cni_bin_dir(options);
  settings.cni_conf_dir = options.data_dir + "/cni/net.d";
  settings.apparmor = os::exists("/sys/module/apparmor") && os::exists("/usr/sbin/apparmor_parser");
  for (const std::string& folder :
       {paths.folder, paths.state, settings.cni_conf_dir, options.data_dir + "/images"}) {
    Result<void> made = os::make_dirs(folder, 0711);
    if (!made) return made;
  }
  std::string_view pause(reinterpret_cast<const char*>(kPauseImage), kPauseImageSize);
  std::string pause_path = paths.folder + "/pause.tar";
  Result<std::string> present = os::read_file(pause_path);
  if (!present || *present != pause) {
    Result<void> written = os::write_file_atomic(pause_path, pause);
    if (!written) return written;
  }
  return os::write_file_atomic(paths.config(), containerd_config(paths, settings));
}

std::map<std::string, pid_t> find_shims(const std::string& socket, std::string_view ns) {
  std::map<std::string, pid_t> out;
  Result<std::vector<std::string>> names = os::list_dir("/proc");
  if (!names) return out;
  for (const std::string& name : *names) {
    std::optional<int64_t> pid = parse_int(name);
    if (!pid) continue;
    std::string line = os::command_line(static_cast<pid_t>(*pid));
    if (line.find("containerd-shim") == std::string::npos) continue;
    if (line.find("-address " + socket + " ") == std::string::npos) continue;
    bool other = line.find("-namespace " + std::string(ns) + " ") == std::string::npos;
    if (!ns.empty() && other) continue;
    size_t id = line.find("-id ");
    if (id == std::string::npos) continue;
    out.emplace(line.substr(id + 4, line.find(' ', id + 4) - id - 4), static_cast<pid_t>(*pid));
  }
  return out;
}

pid_t find_containerd(const Options& options) {
  ContainerdPaths paths = containerd_paths(options);
  Result<std::string> text = os::read_file(paths.pid_file(), 64);
  if (!text) return 0;
  std::optional<int64_t> pid = parse_int(trim(*text));
  if (!pid || *pid <= 1 || *pid > INT32_MAX) return 0;
  // A pid may have been given to another process since.
  std::string line = os::command_line(static_cast<pid_t>(*pid));
  return line.find(paths.config()) == std::string::npos ? 0 : static_cast<pid_t>(*pid);
}

}  // namespace tiphys::kubelet
