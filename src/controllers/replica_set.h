// The ReplicaSet and ReplicationController controllers: as many pods as wished, and their status.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
#pragma once
#include "controllers/controller.h"
#include "controllers/replicas.h"

namespace tiphys::controllers {

// What the two kinds have in common, seen through an adapter for the kind.
class ReplicaController : public Controller {
 protected:
  ReplicaController(Context context, std::string name, const schema::Resource& resource);
  // The owner's wish; `candidates` and `related` are filled in by the caller.
  virtual ReplicaWorld world_of(const ObjectPtr& owner) const = 0;
  // The owner with this status, or null if it has it already. `failure` may be null.
  virtual ObjectPtr with_status(const Object& owner, const ReplicaCounts& counts,
                                const ReplicaFailure* failure, MicroTime now) const = 0;

  Decision reconcile(const std::string& key, MicroTime now) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;
  void decided(const std::string& key, const Decision& decision) override;

 private:
  void pod_changed(const ObjectPtr& old, const ObjectPtr& now);
  void enqueue_owner_of(const Object& pod);
  std::vector<ObjectPtr> related_pods(const Object& owner) const;

  const schema::Resource& resource_;
  client::Informer& owners_;
  client::Informer& pods_;
  std::unordered_map<std::string, ReplicaFailure> failures_;
};

class ReplicaSetController : public ReplicaController {
 public:
  explicit ReplicaSetController(Context context);

 protected:
  ReplicaWorld world_of(const ObjectPtr& owner) const override;
  ObjectPtr with_status(const Object& owner, const ReplicaCounts& counts,
                        const ReplicaFailure* failure, MicroTime now) const override;
};

class ReplicationControllerController : public ReplicaController {
 public:
  explicit ReplicationControllerController(Context context);

 protected:
  ReplicaWorld world_of(const ObjectPtr& owner) const override;
  ObjectPtr with_status(const Object& owner, const ReplicaCounts& counts,
                        const ReplicaFailure* failure, MicroTime now) const override;
};

}  // namespace tiphys::controllers
