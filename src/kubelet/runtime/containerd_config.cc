#include "kubelet/runtime/containerd_config.h"

#include "base/strings.h"

namespace tiphys::kubelet {

ContainerdPaths containerd_paths(const Options& options) {
  ContainerdPaths out;
  out.folder = options.data_dir + "/containerd";
  uint64_t hash = fnv64a(options.data_dir);
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(hash >> shift);
  out.state = "/run/tiphys/" + hex(bytes);
  return out;
}

std::string containerd_config(const ContainerdPaths& paths, const ContainerdSettings& settings) {
  auto line = [](std::string_view key, const std::string& value) {
    return std::string(key) + " = " + go_quote(value) + "\n";
  };
  auto flag = [](std::string_view key, bool value) {
    return std::string(key) + (value ? " = true\n" : " = false\n");
  };
  std::string out =
      "# Written by tiphys at each start; changes are lost.\nversion = 2\noom_score = 0\n";
  out += line("root", paths.root());
  out += line("state", paths.state + "/state");
  out += "disabled_plugins = [";
  const char* separator = "";
  for (const char* plugin :
       {"io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
        "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
        "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"}) {
    out += separator + go_quote(plugin);
    separator = ", ";
  }
  out += "]\n[grpc]\n" + line("address", paths.socket());
  out += "[plugins.\"io.containerd.internal.v1.opt\"]\n" + line("path", paths.folder + "/opt");
  out += "[plugins.\"io.containerd.grpc.v1.cri\"]\n";
  out += flag("restrict_oom_score_adj", settings.restrict_oom_score);
  out += flag("disable_apparmor", !settings.apparmor);
  out += line("sandbox_image", kPauseImageName);
  out += flag("tolerate_missing_hugetlb_controller", true);
  out += line("stream_server_address", "127.0.0.1") + line("stream_server_port", "0");
  out += "[plugins.\"io.containerd.grpc.v1.cri\".cni]\n";
  out += line("bin_dir", settings.cni_bin_dir) + line("conf_dir", settings.cni_conf_dir);
  out += "[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n";
  out += line("snapshotter", "overlayfs") + line("default_runtime_name", "runc");
  out += "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n";
  out += line("runtime_type", "io.containerd.runc.v2");
  out += "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n";
  out += flag("SystemdCgroup", false);
  return out;
}

}  // namespace tiphys::kubelet
