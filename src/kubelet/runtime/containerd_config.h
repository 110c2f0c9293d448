// containerd's configuration for this node, and where its files are. Pure.
#pragma once
#include <string>

#include "kubelet/options.h"

namespace tiphys::kubelet {

inline constexpr const char* kPauseImageName = "registry.k8s.io/pause:3.10";

struct ContainerdPaths {
  std::string folder;  // <data>/containerd: config.toml, containerd.log, root/, imported
  std::string state;   // /run/tiphys/<hash of data dir>: state/, containerd.sock, containerd.pid
  std::string config() const { return folder + "/config.toml"; }
  std::string log() const { return folder + "/containerd.log"; }
  std::string root() const { return folder + "/root"; }
  std::string socket() const { return state + "/containerd.sock"; }
  std::string pid_file() const { return state + "/containerd.pid"; }
};
// State is below /run, as it must not outlive the machine's boot and a socket's path is short.
ContainerdPaths containerd_paths(const Options& options);

struct ContainerdSettings {
  std::string cni_bin_dir;
  std::string cni_conf_dir;
  bool apparmor = false;
  // Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj: containerd must not try.
  bool restrict_oom_score = true;
};
// config.toml, version 2 (containerd 1.6 and 1.7).
std::string containerd_config(const ContainerdPaths& paths, const ContainerdSettings& settings);

}  // namespace tiphys::kubelet
