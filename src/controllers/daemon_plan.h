// DaemonPlanner: what a DaemonSet needs next: one look at it, the nodes, its pods and revisions
// gives every write of this round. Pure.
// Source: k8s.io/kubernetes pkg/controller/daemon (daemon_controller.go, update.go).
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controllers/daemon_placement.h"
#include "controllers/ownership.h"

namespace tiphys::controllers {

inline constexpr size_t kBurstDaemonPods = 250;  // pods created or deleted in one round
// Tag of the deletion of a failed pod, followed by its node.
inline constexpr std::string_view kFailedPodTag = "failed/";

struct DaemonWorld {
  ObjectPtr daemon_set;
  std::vector<ObjectPtr> nodes;
  std::vector<ObjectPtr> pods;       // that it controls or might adopt
  std::vector<ObjectPtr> revisions;  // that it controls or might adopt
  // The ControllerRevision of a name in the set's namespace, whoever owns it; null: none.
  std::function<ObjectPtr(std::string_view)> revision_named;
  // How long a failed pod of this node must wait for its deletion; zero: not at all.
  std::function<Duration(std::string_view)> failure_delay;
};

class DaemonPlanner {
 public:
  DaemonPlanner(const DaemonWorld& world, MicroTime now);
  // Call once.
  Decision plan();

 private:
  struct NodeState {
    ObjectPtr object;  // null: the node is gone
    NodeFit fit;
    std::vector<ObjectPtr> pods;  // the one that counts first
  };
  struct Doomed {
    ObjectPtr pod;
    std::string_view failed_on;  // the node, if it goes because it failed
  };
  // The pods of a node that are not being deleted, at most one of each kind.
  struct Generations {
    ObjectPtr updated;
    ObjectPtr old;
    bool crowded = false;  // there are more
  };

  bool claim_all();
  void group_pods();
  bool updated(const Object& pod) const;
  bool available(const ObjectPtr& pod) const;

  // Revisions (daemon_history.cc). False: something must be written first.
  bool sync_history();
  bool label_revisions();
  bool create_revision(std::string_view data, int64_t number);
  void drop_duplicates(const std::vector<ObjectPtr>& current);
  void clean_up_history();

  // One pod on every node that should have one.
  void manage();
  void manage_node(std::string_view name, const NodeState& node);
  bool must_wait(std::string_view node, const ObjectPtr& pod);
  bool ends(std::string_view node, const ObjectPtr& pod);
  void thin_out(const std::vector<ObjectPtr>& running);
  void thin_out_surge(const std::vector<ObjectPtr>& running);

  // Rolling update (daemon_rolling.cc).
  void roll();
  void roll_in_place(int32_t max_unavailable);
  void roll_with_surge(int32_t max_surge, int32_t desired);
  Generations generations(const NodeState& node) const;
  bool allows_surge() const;

  void emit_pods();
  void emit_status();

  const DaemonWorld& world_;
  MicroTime now_;
  apps_v1::DaemonSet set_;
  std::string generation_;
  std::string hash_;  // of the current revision
  Draft template_;
  std::vector<ObjectPtr> pods_;
  std::vector<ObjectPtr> revisions_;
  std::vector<ObjectPtr> old_revisions_;
  std::map<std::string_view, NodeState> nodes_;
  std::vector<std::string_view> needed_;  // nodes that get a pod
  std::vector<Doomed> doomed_;
  bool creating_revision_ = false;
  Decision decision_;
};

}  // namespace tiphys::controllers
