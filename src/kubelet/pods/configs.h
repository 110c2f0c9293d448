// CRI configurations of a pod's sandbox and containers. Pure.
#pragma once
#include <string>
#include <vector>

#include "kinds/cri_v1.h"
#include "kubelet/pods/dns.h"
#include "kubelet/pods/environment.h"
#include "kubelet/pods/resources.h"

namespace tiphys::kubelet {

struct SandboxInput {
  core_v1::Pod pod;
  uint32_t attempt = 0;
  std::string log_directory;  // of the pod
  std::string cgroup_parent;
  DnsSettings dns;
  std::string hostname;  // "": the pod is in the host's network
};
// A cri_v1::PodSandboxConfig.
ObjectPtr sandbox_config(const SandboxInput& input);

struct ResolvedMount {
  std::string host_path;
  std::string container_path;
  bool read_only = false;
  int32_t propagation = 0;  // MountPropagation of runtime.v1
};

struct ContainerInput {
  core_v1::Pod pod;
  core_v1::Container container;
  uint32_t attempt = 0;
  std::string image;       // what the runtime knows it by (its id)
  int64_t image_uid = -1;  // of the image's USER, -1: not a number
  std::string image_user;
  Environment environment;
  std::vector<ResolvedMount> mounts;
  std::string message_file;  // host path of the termination message
  int64_t memory_capacity = 0;
  LimitRules limits;
  std::string pid_target;  // of an ephemeral container: whose processes it sees (a container's id)
  std::string seccomp_folder;    // of Localhost profiles
  bool seccomp_default = false;  // RuntimeDefault where nothing is said
};
// A cri_v1::ContainerConfig. Errors are messages of CreateContainerConfigError.
Result<ObjectPtr> container_config(const ContainerInput& input);
// Its part that can be changed while it runs: a cri_v1::LinuxContainerResources.
ObjectPtr container_resources(const ContainerInput& input);
// "<namespace>_<name>_<uid>": the folder of a pod's logs.
std::string pod_log_folder(core_v1::Pod pod);

}  // namespace tiphys::kubelet
