// PodManager: the workers of all pods of this node, fed by the API (informer) and by the runtime
// (its events, or a cheap listing), and the cleaning up of what no pod owns.
//
// Loop thread only. Nothing is cleaned before the informer has synced once.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "client/informer.h"
#include "kubelet/pods/worker.h"
#include "kubelet/runtime/event_stream.h"

namespace tiphys::kubelet {

class PodManager {
 public:
  PodManager(NodeServices& node, client::Informer& pods, EventStream& events);
  ~PodManager();
  void start();
  Task<void> stop();

  // All static pods of a source (kFileSource, kUrlSource) that should run here, from now on. One
  // that isn't among them any more is ended; a new one of the same name starts when the old one is
  // gone.
  void set_static_pods(std::string_view source, std::vector<ObjectPtr> pods);
  // With their status; also those that are being ended.
  std::vector<ObjectPtr> static_pods() const;
  // set_static_pods() was called for each source, or never will be.
  bool static_pods_complete() const;

  // Workers that use the node's resources; with what they were promised of them.
  std::vector<ObjectPtr> active_pods() const;
  std::vector<ObjectPtr> all_pods() const;
  std::vector<const PodWorker*> workers() const;
  // Container id -> name, of a pod's running containers.
  std::map<std::string, std::string> containers(const std::string& uid) const;
  // By namespace and name, or null.
  const PodWorker* find(std::string_view ns, std::string_view name) const;
  void wake_all();
  // Judges all resizes that pods wait for, the most urgent first.
  void retry_resizes(std::string_view trigger);
  // A pod ended: what waits for that goes on.
  void room_made();
  // It is active, or something of it runs here.
  bool uses_node(const std::string& uid) const;
  // Nothing happens if it isn't there, or has ended.
  void evict(const std::string& uid, const std::string& message);
  void preempt(const std::string& uid);

 private:
  void on_pod(const ObjectPtr& old, const ObjectPtr& now);
  void adopt_mirror(core_v1::Pod mirror);
  void start_worker(const ObjectPtr& pod);
  void on_finished(const std::string& uid);
  std::vector<PodWorker*> waiting_resizes() const;
  bool is_wanted(const std::string& uid) const;
  void start_static_pods();
  void start_static_pod(const ObjectPtr& pod);
  void on_container_event(const std::string& container_id);
  Task<void> watch_runtime();
  Task<void> relist();
  Task<void> housekeeping();
  Task<void> clean_orphans();
  Task<void> end_orphan(std::string uid, std::vector<std::string> containers,
                        std::vector<SandboxRecord> sandboxes);
  Task<void> remove_sandbox(std::string id);
  Task<void> clean_logs(std::set<std::string> keep);
  Task<void> clean_folders(std::set<std::string> in_runtime);
  Task<void> clean_folder(std::string uid);
  Task<void> retire(std::unique_ptr<PodWorker> worker);

  NodeServices& node_;
  client::Informer& pods_;
  EventStream& events_;
  Gate gate_;
  StopSource stop_;
  std::map<std::string, std::unique_ptr<PodWorker>> workers_;  // by uid
  using StaticPods = std::map<std::string, ObjectPtr>;
  std::map<std::string, StaticPods, std::less<>> static_;  // by source, uid: what should run
  std::set<std::string> gone_;  // uids gone from where they came, whose worker isn't finished
  std::map<std::string, std::string> owners_;  // container id -> pod uid, of the last listing
  std::map<std::string, std::string> shapes_;  // pod uid -> what the last listing showed of it
  std::optional<MonoTime> listed_at_;
  std::set<std::string> ending_;    // orphans being ended
  std::set<std::string> removing_;  // dead sandboxes being removed
  std::set<std::string> cleaning_;  // orphans whose folders are being removed
};

}  // namespace tiphys::kubelet
