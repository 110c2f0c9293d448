// PodVolumes: the volumes of one pod over its life: fetches what they show, sets them up, keeps
// them current, says why they can't be had, and takes them down.
//
// Loop thread only. The work runs beside the pod's worker, one at a time, and wakes it: a hostPath
// on a dead mount, an API server that is away or a tree of millions of files hold back nothing but
// the volumes themselves. What fails is tried again after 0.5 s to 2 min, as upstream does, and at
// once when a ConfigMap or Secret that it needs changes. Stop it before it is destroyed.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>

#include "async/gate.h"
#include "kubelet/pods/node_services.h"
#include "kubelet/pods/reference_watch.h"
#include "kubelet/volumes/container_mounts.h"
#include "kubelet/volumes/token_cache.h"
#include "kubelet/volumes/volumes.h"

namespace tiphys::kubelet {

class PodVolumes {
 public:
  struct Host {
    std::function<void()> wake;
    // An event of the pod, of type Warning and reason FailedMount.
    std::function<void(const std::string& message)> failed;
  };
  PodVolumes(NodeServices& node, std::string uid, Host host);
  ~PodVolumes();

  // Brings the volumes to what the pod says, waiting for a moment only. True: all are there (if
  // what they show can't be renewed, with what they had).
  Task<bool> ensure(ObjectPtr pod, StopToken stop);
  // When ensure() wants to be called again; 0: when woken.
  MicroTime next_at() const;
  // What the pod refers to may be there by now.
  void refetch();
  // What it refers to, as last fetched.
  const Fetched& fetched() const { return fetched_; }
  // The container's mounts, over what ensure() has set up. pod: what the input's views are of.
  Task<Result<std::vector<ResolvedMount>>> resolve(MountInput input, ObjectPtr pod, StopToken stop);
  // The pod's containers are gone: everything of its folder goes. False: not yet; try again.
  Task<bool> tear_down(StopToken stop);
  Task<void> stop();

 private:
  bool is_stale(const Object& pod) const;
  MicroTime wait_until() const;
  Task<void> run(ObjectPtr pod);
  Task<void> bring_up(ObjectPtr pod);
  Task<bool> fetch(ObjectPtr pod);
  Task<Result<ObjectPtr>> fetch_one(std::string resource, std::string ns, std::string name);
  Task<void> check_host_paths(ObjectPtr pod);
  void watch_references(const Object& pod);
  void on_reference(std::string_view kind, const std::string& name, const std::string& revision);
  void finish(bool good, ObjectPtr pod);

  NodeServices& node_;
  std::string uid_;
  Host host_;
  Gate gate_;
  StopSource stop_;
  Event done_;            // no work is going on
  bool awaited_ = false;  // ensure() waits for it
  bool writing_ = false;  // it is at the pod's folder
  bool closing_ = false;  // tear_down() was called
  bool refetch_ = true;   // what it refers to must be read anew
  bool news_ = false;     // there is a reason to try before the delay is over
  ObjectPtr for_;         // the pod that the volumes are up for; null: they aren't
  MicroTime at_ = 0;      // since when
  MicroTime retry_at_ = 0;
  MicroTime delay_ = 0;  // of the next try; 0: the last one was good
  Fetched fetched_;
  std::map<std::string, std::string> paths_;
  std::map<std::string, Result<void>> host_paths_;  // by volume name
  TokenCache tokens_;
};

}  // namespace tiphys::kubelet
