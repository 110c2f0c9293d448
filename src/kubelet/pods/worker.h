// PodWorker: takes one pod (one uid) through its life. The shell around plan_pod and make_status:
// observes the runtime, carries plans out, writes status and events.
//
// Loop thread only. Each worker is one coroutine: what hangs for one pod (an image pull, a slow
// stop) never holds another; pulls and kills run beside the worker, so that a deletion is always
// heard. Level-driven: update() and wake() only take notes; everything is decided from the whole
// state. Life: until finished() the pod has something on this node. Stop it before it is destroyed.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>

#include "async/gate.h"
#include "kubelet/allocation/resize.h"
#include "kubelet/pods/node_services.h"
#include "kubelet/pods/startup.h"
#include "kubelet/pods/status.h"
#include "kubelet/volumes/pod_volumes.h"

namespace tiphys::kubelet {

class Prober;

class PodWorker {
 public:
  PodWorker(NodeServices& node, ObjectPtr pod, std::function<void()> on_finished);
  ~PodWorker();  // Requires: stop() finished, or never started

  void start();
  // Ends the worker without touching the pod.
  Task<void> stop();
  // A newer state of the pod from the API.
  void update(ObjectPtr pod);
  // The pod is gone from the API: end it without asking.
  void deleted();
  // Its manifest is gone (a static pod): end it within its grace period.
  void remove();
  // Something of the pod changed in the runtime.
  void wake();
  // The runtime's event says so, which may come before its listing shows it.
  void container_ended(const std::string& id);
  bool finished() const { return finished_; }
  const ObjectPtr& pod() const { return pod_; }
  // As of the last look at the runtime; empty before the first.
  const PodRuntime& runtime_state() const { return state_; }
  bool has_looked() const { return looked_; }
  // Ends an active pod for what it does to the node: phase Failed, reason Evicted.
  void evict(const std::string& message);
  // Ends an active pod, within its grace period, for a critical one: reason Preempting.
  void preempt();
  // It uses the node's resources: admitted, not ended, and not gone from where it came: what the
  // scheduler puts in its place must find room, though its containers may still run.
  bool is_active() const;
  // pod() with the resources that it was promised, which may not be those that it wants by now.
  ObjectPtr allocated_pod() const;
  // Nobody knows yet whether it uses the node's resources.
  bool awaits_admission() const { return !admitted_ && !is_ending(); }
  // It is active, or something of it runs.
  bool uses_node() const { return is_active() || state_.any_running(); }
  // It is admitted, and other pods go so that it can start.
  bool waits_for_room() const { return !making_room_.empty(); }
  // It wants other resources than it was promised; since: the API shows that it waits.
  std::optional<MicroTime> waits_to_resize() const;
  // Promises them, if the node can give them. True: it does.
  bool try_resize(std::string_view trigger);
  ResizeReport resize_report() const;

 private:
  core_v1::Pod view() const { return core_v1::Pod(*pod_); }
  std::string uid() const { return std::string(view().metadata().uid()); }
  void record(std::string_view type, std::string_view reason, const std::string& message,
              std::string_view field_path = {});

  // worker.cc
  Task<void> run();
  void count_pass(MonoTime begin);
  Task<void> sync();
  Task<void> sync_running();
  Task<bool> refresh();
  Task<bool> add_status(ContainerRecord& container);
  Task<void> read_message(ContainerRecord& container);
  void note_init_run(const ContainerRecord& ended);
  void count_start();
  Task<bool> admit();
  bool has_room();
  void take(ObjectPtr pod);
  void wake_at(MicroTime when);
  void expect_ends();
  void end_hooks_of_ended();
  bool is_ending() const;
  std::set<std::string> starting() const;
  std::string pod_address() const;
  void watch_deadline();

  // worker_start.cc
  Task<bool> prepare();
  Task<void> create_sandbox(uint32_t attempt);
  Task<void> start_containers(PodPlan plan);
  Task<bool> start_container(ContainerStart what);
  Task<Result<ObjectPtr>> build_config(ContainerStart what, ImageRecord image);
  Task<void> pull(std::string name, std::string image, std::string policy);
  Task<void> run_post_start(std::string id, ObjectPtr pod, ContainerPlace place);
  Task<void> remove_old_containers();
  Result<std::string> pid_target(ContainerPlace place) const;
  ObjectPtr make_sandbox_config(uint32_t attempt) const;
  DnsSettings dns() const;
  void warn_of_dns();
  Environment service_variables() const;
  RegistryAuth auth_for(std::string_view image) const;
  std::string message_file(std::string_view container, uint32_t attempt) const;

  // worker_resize.cc
  void take_allocation();
  void adopt_resize_ends();
  void note_pending(const Why& why);
  Task<void> resize();
  Task<void> keep_actuated();
  Task<std::string> actuate(ObjectPtr pod, ResizePlan plan);
  Task<std::string> check_memory(ResizePlan plan, os::CgroupLimits wanted);
  Task<std::string> change_group(os::CgroupLimits change);
  Task<std::string> update_containers(ObjectPtr pod, ResizePlan plan, bool memory);
  void note_error(const std::string& message);
  void finish_resize();
  os::CgroupLimits actuated_limits() const;
  int64_t generation() const { return view().metadata().generation(); }

  // worker_end.cc
  Task<void> sync_terminating();
  Task<void> sync_terminal();
  struct KillOrder {
    std::string id;
    std::string name;
    int64_t grace = 0;     // seconds
    bool ordered = false;  // the whole pod ends: sidecars wait for their turn
    bool hook = true;      // the preStop hook runs first
  };
  void kill(KillOrder order, const std::string& message);
  Task<void> run_kill(KillOrder order);
  Task<void> run_pre_stop(KillOrder order);
  Task<void> wait_for_turn(std::string name, Duration limit);
  void kill_all();
  Task<bool> stop_sandboxes();
  bool is_emptied() const;
  Task<bool> remove_from_runtime();
  Task<bool> remove_everything();
  Task<bool> release_node_resources();
  Task<void> delete_from_api();
  int64_t grace_seconds() const;

  // worker_status.cc
  Task<bool> publish(bool killed);
  Task<bool> write_status(bool killed);
  void wake_for_api();
  ObjectPtr current_status(bool killed) const;

  NodeServices& node_;
  ObjectPtr pod_;
  std::function<void()> on_finished_;
  Gate gate_;
  StopSource stop_;
  Event wake_;
  MicroTime wake_at_ = 0;            // 0: none
  std::optional<MonoTime> seen_at_;  // when the first pass began
  bool start_told_ = false;          // to the metrics
  Startup startup_;
  bool looked_ = false;   // at the runtime
  bool deleted_ = false;  // gone from the API
  bool removed_ = false;  // its manifest is gone
  bool static_ = false;   // from a manifest; the API has its mirror only
  bool finished_ = false;
  bool admitted_ = false;
  bool refused_ = false;
  std::optional<Why> failed_;  // refused or ended by the kubelet
  bool evicted_ = false;
  std::vector<std::string> making_room_;  // uids of pods that go for this one
  MonoTime room_limit_{};                 // how long it waits for them

  PodRuntime state_;
  std::map<std::string, ContainerRecord> known_;         // by id, with status
  std::map<std::string, std::vector<std::string>> ips_;  // by sandbox id
  std::map<std::string, Why> waiting_;                   // by container name: why it isn't running
  std::map<std::string, ProbeState> probes_;             // by container id
  BackOff back_off_;
  std::map<std::string, StopSource> hooks_;     // postStart hooks in progress, by container id
  std::map<std::string, MicroTime> killing_;    // container id -> latest end of its grace
  Event turn_;                                  // pulsed after each look at the runtime
  std::map<std::string, MicroTime> ended_;      // container id -> when an event told of its end
  std::set<std::string> pulling_;               // container names
  std::map<std::string, ImageOutcome> images_;  // by container name
  std::unique_ptr<PodVolumes> volumes_;
  bool cgroup_made_ = false;
  os::CgroupLimits group_limits_;  // what the pod's group has
  std::optional<Why> pending_;     // resources that it wants and doesn't get
  int64_t pending_generation_ = 0;
  std::optional<Why> progress_;  // resources that it is being given
  int64_t progress_generation_ = 0;
  std::set<std::string> resize_ends_;  // ids of containers that were ended to be resized
  bool released_ = false;              // volumes and cgroup are gone
  int api_failures_ = 0;               // in a row
  std::unique_ptr<Prober> prober_;
};

}  // namespace tiphys::kubelet
