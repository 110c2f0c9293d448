// HollowNodes: many nodes without machines (what upstream calls kubemark), over any Transport and
// loop: each registers, renews its Lease, posts its status, and takes its pods to Running and to
// deletion without a runtime (hollow_pod.h).
//
// One watch of pods that have a node and one of nodes, however many nodes there are. Pods are
// believed as the API gives them: what a kubelet would refuse (no room, taints) is run. No server,
// no events of containers. Watches that break, conflicts and API servers that restart only delay:
// what fails is tried again, with back-off. Loop thread only.
#pragma once
#include <map>
#include <string>
#include <unordered_map>

#include "async/gate.h"
#include "client/informer.h"
#include "client/work_queue.h"
#include "kubelet/hollow/hollow_node.h"
#include "kubelet/hollow/hollow_pod.h"
#include "kubelet/hollow/pod_addresses.h"

namespace tiphys::kubelet {

struct HollowOptions {
  // Labels, taints, maxPods, the lease's duration and the frequency of reports are used.
  Options node;
  NodeFacts facts;  // of every node's machine
  HollowBehaviour behaviour = annotated_run;
  Duration reaction = Duration::zero();    // how long after an event a kubelet acts
  Duration stop_after = Duration::zero();  // what containers need to end, at most their grace
  Duration renew_interval = std::chrono::seconds(10);  // a quarter of the lease, as upstream
  size_t first_number = 0;  // of nodes: other processes' have other numbers, so other addresses
};
// The machine of every hollow node: CPUs and bytes of memory.
NodeFacts hollow_facts(int64_t cpus, int64_t memory_bytes);

class HollowNodes {
 public:
  // Everything outlives it. `pod_client` is for pods: it may wait (--kube-api-qps), heartbeats not.
  HollowNodes(Loop& loop, client::Client& client, client::Client& pod_client, Random& random,
              HollowOptions options);
  ~HollowNodes();  // Requires: never started, or stop() finished
  void start();
  Task<void> stop();

  // Registers a node and keeps it; after down() or the node's deletion: it comes back.
  void up(const std::string& name, std::map<std::string, std::string> labels = {});
  // The machine is lost: nothing is renewed and no pod moves; the node object stays.
  void down(const std::string& name);
  size_t registered() const { return registered_; }
  // Deletes the nodes and their leases. Errors are logged. Nothing is kept from then on.
  Task<void> remove_nodes();

 private:
  // What runs beside each other, at most kMaxInFlight.
  struct Lane {
    Lane(Loop& loop, client::WorkQueue::BackOff back_off) : queue(loop, back_off), room(loop) {
      room.set();
    }
    client::WorkQueue queue;
    Event room;
    int in_flight = 0;
  };
  struct PodState {
    explicit PodState(core_v1::Pod pod) : model(pod) {}
    HollowPod model;
    std::vector<std::pair<PodAddresses*, std::string>> ips;  // what it holds of which range
    std::string written;  // resourceVersion of our last write: its event says nothing new
  };
  using Act = Task<void> (HollowNodes::*)(std::string key);
  Task<void> run(Lane& lane, Act act);
  Task<void> carry_out(Lane& lane, Act act, std::string key);

  void on_node(const ObjectPtr& old, const ObjectPtr& now);
  Task<void> tend_node(std::string name);
  Task<Result<void>> register_node(HollowNode& node);
  Task<Result<void>> renew(HollowNode& node);
  Task<Result<void>> report(HollowNode& node);
  ObjectPtr present(const HollowNode& node) const;
  Task<void> remove_node(std::string name);

  void on_pod(const ObjectPtr& old, const ObjectPtr& now);
  Task<void> tend_pod(std::string key);
  Task<void> finish_pod(ObjectPtr object, const HollowNode& node);
  void settle(const std::string& key, const Result<ObjectPtr>& written);
  Task<Result<ObjectPtr>> write_status(ObjectPtr wanted);
  PodState& state_of(const Object& pod, const HollowNode& node);
  void forget_pod(const Object& pod);
  void assign_ips(core_v1::Pod pod, const HollowNode& node, PodState& state);
  // Of the node, then the one that all share.
  std::vector<PodAddresses*> ranges_of(const HollowNode& node);
  PodAddresses* range(std::string_view cidr);
  HollowNode* find_up(std::string_view name);

  Loop& loop_;
  client::Client& client_;
  client::Client& pod_client_;
  Random& random_;
  HollowOptions options_;
  client::InformerFactory informers_;
  client::Informer& pods_;
  client::Informer& node_objects_;
  Lane node_lane_;
  Lane pod_lane_;
  Gate gate_;
  StopSource stop_;
  std::map<std::string, HollowNode, std::less<>> nodes_;
  std::unordered_map<std::string, PodState> states_;         // by uid
  std::map<std::string, PodAddresses, std::less<>> ranges_;  // by CIDR; never erased
  size_t registered_ = 0;
};

}  // namespace tiphys::kubelet
