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

// Of a file system, and what one thing uses of it.
struct FsUsage {
  MicroTime time = 0;
  int64_t available = 0;  // bytes, as the two below
  int64_t capacity = 0;
  int64_t used = 0;
  int64_t inodes_free = 0;
  int64_t inodes = 0;
  int64_t inodes_used = 0;
};
struct VolumeUsage {
  std::string name;
  FsUsage fs;
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
  std::optional<FsUsage> rootfs;  // its writable layer
  std::optional<FsUsage> logs;
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
  std::vector<VolumeUsage> volumes;  // those that are measured
  std::optional<FsUsage> ephemeral_storage;
};

struct NodeUsage {
  std::string name;
  MicroTime booted = 0;
  std::optional<UsageSample> sample;
  MachinePressure machine;
  std::optional<FsUsage> fs;        // that holds the pods
  std::string fs_device;            // as its mount names it
  std::optional<FsUsage> image_fs;  // that holds images and writable layers
  std::vector<InterfaceUsage> network;
  int64_t cpus = 0;
  int64_t memory_bytes = 0;
  std::vector<PodUsage> pods;
};

}  // namespace tiphys::kubelet
