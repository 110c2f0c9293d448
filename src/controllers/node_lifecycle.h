// NodeLifecycle: notices nodes whose kubelet went silent, and taints nodes by their conditions.
//
// A node whose Lease was not renewed for the grace period gets its conditions set to Unknown, its
// pods their Ready condition to False, once. Taints follow the conditions (node_taints.h):
// not-ready and unreachable (NoSchedule, and NoExecute as fast as the node's zone allows:
// node_zones.h), the pressure taints and unschedulable (NoSchedule). Renewals are timed by our own
// clock as they arrive: clocks of nodes need not agree with ours.
// Upstream: pkg/controller/nodelifecycle (events RegisteredNode, RemovingNode, NodeNotReady).
#pragma once
#include "controllers/controller.h"
#include "controllers/node_zones.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

class NodeLifecycle : public Controller {
 public:
  struct Options {
    Duration grace_period = std::chrono::seconds(50);   // --node-monitor-grace-period
    Duration startup_grace = std::chrono::seconds(60);  // --node-startup-grace-period
    ZoneLimits zones;
  };
  NodeLifecycle(Context context, Options options);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;
  void round_over(const std::string& key, Duration took, const ApiStatus* error) override;

 private:
  struct Heartbeat {
    ObjectPtr node;
    MicroTime renewed = 0;      // the Lease's own time
    MicroTime reported = 0;     // the Ready condition's heartbeat
    MonoTime seen{};            // when we noticed the last change
    MicroTime pods_marked = 0;  // the Ready condition's transition that all pods were told of
  };
  void renewed(const Object& lease);
  void node_changed(const ObjectPtr& old, const ObjectPtr& now);
  void meet(Decision& decision, const ObjectPtr& object);
  void part(Decision& decision, const std::string& name);
  // How long until the node counts as silent; zero or less: it does now.
  Duration until_silent(core_v1::Node node);
  std::map<std::string, ZoneCount> count_zones() const;
  void look_at_zones();
  void tell_zones();
  void taint(Decision& decision, const ObjectPtr& object, MicroTime now);
  void tell_pods(Decision& decision, core_v1::Node node, MicroTime now);

  Options options_;
  client::Informer& nodes_;
  client::Informer& leases_;
  client::Informer& pods_;
  std::unordered_map<std::string, Heartbeat> heartbeats_;  // by node
  NodeZones zones_;
  std::set<std::string> told_zones_;  // in metrics
};

}  // namespace tiphys::controllers
