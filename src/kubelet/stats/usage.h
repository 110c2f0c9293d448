// What the node, its pods and their containers use, in plain values. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "kubelet/node/machine.h"
#include "os/cgroup_usage.h"

namespace tiphys::kubelet {

struct UsageSample {
  MicroTime time = 0;
  os::CgroupUsage used;
  std::optional<int64_t> nano_cores;  // over the time since the last sample; nothing: none yet
};

struct ContainerUsage {
  std::string name;
  std::string id;
  std::string cgroup;
  MicroTime started = 0;
  std::optional<UsageSample> sample;  // nothing: not known
};

struct PodUsage {
  std::string name;
  std::string ns;
  std::string uid;
  std::string cgroup;
  MicroTime started = 0;  // its sandbox
  std::optional<UsageSample> sample;
  std::vector<ContainerUsage> containers;  // the running ones
};

struct NodeUsage {
  std::string name;
  MicroTime booted = 0;
  std::optional<UsageSample> sample;
  MachinePressure machine;
  std::vector<PodUsage> pods;
};

}  // namespace tiphys::kubelet
