// The garbage collector: deletes objects whose owners are gone, and carries out foreground and
// orphan deletion.
//
// The graph is the informers' caches with an index by owner uid; nothing is kept beside them. An
// owner that is not in the caches is asked for on the server before anything is deleted. Every
// deletion is of one uid. An owner reference to another namespace counts as one to nothing, with an
// event. Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/
#pragma once
#include <string>
#include <unordered_set>
#include <vector>

#include "controllers/controller.h"

namespace tiphys::controllers {

class GarbageCollector : public Controller {
 public:
  explicit GarbageCollector(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override { return {}; }
  Task<void> prepare(StopToken stop) override;
  Task<Result<void>> sync(std::string key) override;

 private:
  struct Found {
    const schema::Resource* resource = nullptr;
    ObjectPtr object;
  };
  enum class OwnerState : uint8_t { kSolid, kWaiting, kGone };
  struct Owners {
    std::vector<std::string> solid;
    std::vector<std::string> waiting;  // uids: being deleted in the foreground
    std::vector<std::string> gone;
  };

  // Noticing.
  void changed(size_t resource, const ObjectPtr& old, const ObjectPtr& now);
  void enqueue_object(size_t resource, const Object& object);
  void enqueue_dependents(std::string_view uid);
  void enqueue_waiting_owners(const Object& object);
  ObjectPtr cached_owner(const Object& object, const meta_v1::OwnerReference& owner) const;
  std::vector<Found> dependents(std::string_view uid) const;

  // Acting.
  Task<Result<void>> collect(Found item);
  Task<Result<void>> finish_foreground(Found item);
  Task<Result<void>> orphan_dependents(Found item);
  Task<Result<void>> classify(ObjectPtr object, Owners* owners);
  Task<Result<OwnerState>> look_up(ObjectPtr object, std::string api_version, std::string kind,
                                   std::string name, std::string uid);
  Task<Result<void>> drop_owners(Found item, std::vector<std::string> uids);
  Task<Result<void>> drop_finalizer(Found item, std::string finalizer);
  Task<Result<void>> unblock_cycles(Found item);
  Task<Result<void>> remove(Found item, std::string policy);
  void refuse_foreign_owner(const Object& object, std::string_view api_version,
                            std::string_view kind, std::string_view name, std::string_view uid);

  std::vector<const schema::Resource*> resources_;
  std::vector<client::Informer*> informers_;  // of resources_, in the same order
  std::unordered_map<const schema::Resource*, size_t> positions_;  // any version -> resources_
  std::unordered_set<std::string> absent_;  // "namespace/uid" of owners known to be gone
};

}  // namespace tiphys::controllers
