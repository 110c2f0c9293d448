// NodeLifecycle: notices nodes whose kubelet went silent, and taints nodes by their conditions.
//
// A node whose Lease was not renewed for the grace period gets its conditions set to Unknown, its
// pods their Ready condition to False. Taints follow the conditions: not-ready and unreachable
// (NoSchedule and NoExecute), the pressure taints and unschedulable (NoSchedule). Renewals are
// timed by our own clock as they arrive: clocks of nodes need not agree with ours.
// Upstream: pkg/controller/nodelifecycle (events NodeNotReady).
#pragma once
#include "controllers/controller.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

class NodeLifecycle : public Controller {
 public:
  struct Options {
    Duration grace_period = std::chrono::seconds(50);   // --node-monitor-grace-period
    Duration startup_grace = std::chrono::seconds(60);  // --node-startup-grace-period
  };
  NodeLifecycle(Context context, Options options);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  struct Heartbeat {
    MicroTime renewed = 0;   // the Lease's own time
    MicroTime reported = 0;  // the Ready condition's heartbeat
    MonoTime seen{};         // when we noticed the last change
  };
  // How long until the node counts as silent; zero or less: it does now.
  Duration until_silent(core_v1::Node node);

  Options options_;
  client::Informer& nodes_;
  client::Informer& leases_;
  client::Informer& pods_;
  std::unordered_map<std::string, Heartbeat> heartbeats_;
};

// ---- the pure part ----

// True if a condition that kubelets report says True or False (so that it has to become Unknown).
bool has_live_conditions(core_v1::Node node);
// Sets the kubelet's conditions to Unknown.
void mark_unknown(core_v1::NodeEdit node, MicroTime now);
// Makes the taints that this controller owns follow the conditions and spec.unschedulable. False:
// they already did.
bool update_taints(core_v1::NodeEdit node, MicroTime now);

}  // namespace tiphys::controllers
