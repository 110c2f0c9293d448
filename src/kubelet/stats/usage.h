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

// Of a network interface, since it was made.
struct InterfaceUsage {
  std::string name;
  int64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
  int64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};

struct ContainerUsage {
  std::string name;
  std::string id;
  std::string cgroup;
  MicroTime started = 0;
  std::optional<UsageSample> sample;  // nothing: not known
  std::string image;
};

struct PodUsage {
  std::string name;
  std::string ns;
  std::string uid;
  std::string cgroup;
  MicroTime started = 0;  // its sandbox
  std::optional<UsageSample> sample;
  std::vector<ContainerUsage> containers;  // the running ones
  bool host_network = false;
  std::vector<InterfaceUsage> network;  // without the loopback; of the host's nothing
  int64_t processes = 0;
};

struct NodeUsage {
  std::string name;
  MicroTime booted = 0;
  std::optional<UsageSample> sample;
  MachinePressure machine;
  std::vector<InterfaceUsage> network;
  int64_t cpus = 0;
  int64_t memory_bytes = 0;
  std::vector<PodUsage> pods;
};

}  // namespace tiphys::kubelet
