// NodeServices: what every pod worker uses of the node. One a kubelet; outlives the workers.
// Loop thread only.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/epoll_loop.h"
#include "async/pool.h"
#include "base/random.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "kubelet/allocation/allocation_store.h"
#include "kubelet/images/puller.h"
#include "kubelet/metrics/kubelet_metrics.h"
#include "kubelet/options.h"
#include "kubelet/pods/reference_watch.h"
#include "kubelet/pods/resources.h"
#include "kubelet/runtime/containerd.h"
#include "kubelet/volumes/volume_calls.h"
#include "os/cgroups.h"

namespace tiphys::kubelet {

struct NodeServices {
  EpollLoop& loop;
  WorkerPool& pool;
  client::Client& client;
  client::EventRecorder& events;
  Random& random;
  Runtime& runtime;
  Containerd& containerd;
  ImagePuller& puller;
  KubeletMetrics& metrics;
  ReferenceWatch& references;
  AllocationStore& allocations;  // what pods have been promised
  AllocationStore& actuated;     // what their containers were last given
  VolumeCalls& host_calls;       // on paths of the host, which may hang for ever
  VolumeCalls& disk_calls;       // on folders of pods, which may be huge
  const Options& options;
  std::optional<os::Cgroups> cgroups;  // nothing: no cgroup file system; limits are the runtime's
  std::vector<std::string> host_ips;
  std::map<std::string, std::string> allocatable;
  int64_t memory_capacity = 0;
  LimitRules limits;
  ObjectPtr reference;  // a Node with this one's name: what its events are about
  // Gives the groups of the QoS classes what their pods need now.
  std::function<Task<void>()> update_tiers;
  // Services of a namespace (and default/kubernetes), for environments.
  std::function<std::vector<ObjectPtr>(std::string_view ns)> services;
  // Whether the pod may run here; asked once, before its first sandbox. The pods that it takes its
  // resources from are on their way out then.
  struct Admitted {
    std::optional<Why> refusal;
    std::vector<std::string> making_room;  // their uids
    Duration limit{};                      // for how long they are waited for
  };
  std::function<Admitted(const Object& pod)> admit;
  // Whether a pod still has something running here.
  std::function<bool(const std::string& uid)> uses_node;
  // Whether a pod that runs here may have other resources; nothing: yes.
  std::function<std::optional<Why>(const Object& pod)> judge_resize;
  // Judges the resizes that pods wait for, in their order. `trigger`: what made it worth trying, as
  // upstream's metrics name it.
  std::function<void(std::string_view trigger)> retry_resizes;
  // A pod ended: others may grow, or start.
  std::function<void()> room_made;
  // False until the node has its pod network.
  std::function<bool()> network_ready;
  // A static pod or its mirror changed.
  std::function<void()> static_changed;
  // False until services() is complete for the first time, and the node's own object was seen.
  std::function<bool()> informed;

  std::string pod_folder(std::string_view uid) const {
    return options.root_dir + "/pods/" + std::string(uid);
  }
};

}  // namespace tiphys::kubelet
