// MirrorPods: keeps the API's mirrors of static pods as they should be: created, with the pod's
// status, deleted and made anew when somebody deletes them or the manifest changes, and deleted
// when the pod has ended here. After upstream's pkg/kubelet/pod (mirror_client.go).
//
// Loop thread only. Level-driven: wake() whenever a static pod, a mirror or the node changed. While
// the API is away nothing happens; the pods run all the same.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "async/gate.h"
#include "client/client.h"
#include "client/informer.h"

namespace tiphys::kubelet {

class MirrorPods {
 public:
  struct Host {
    std::function<std::vector<ObjectPtr>()> static_pods;  // also those that are being ended
    std::function<bool()> complete;                       // static_pods() says all there are
    std::function<std::string()> node_uid;                // "": the node isn't registered
    std::string node_name;
  };
  MirrorPods(Loop& loop, client::Client& client, client::Informer& pods, Host host);
  void start();
  Task<void> stop();
  void wake() { wake_.set(); }

 private:
  Task<void> run();
  // False: something has to be tried again.
  Task<bool> sync();
  Task<bool> sync_pod(ObjectPtr pod);
  Task<bool> remove_orphans();
  Task<bool> create(ObjectPtr pod);
  Task<bool> remove(ObjectPtr mirror, std::string why);

  Loop& loop_;
  client::Client& client_;
  client::Informer& pods_;
  Host host_;
  Gate gate_;
  StopSource stop_;
  Event wake_;
};

}  // namespace tiphys::kubelet
