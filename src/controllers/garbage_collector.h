// The garbage collector: deletes objects whose owners are gone, and carries out foreground and
// orphan deletion.
//
// The graph is the informers' caches with an index by owner uid; nothing is kept beside them. An
// owner that is not in the caches is asked for on the server before anything is deleted. Every
// deletion is of one uid. Resources come and go with the server's discovery (served.h); of an owner
// whose kind is not served nothing is known, so its dependents stay. While the objects of a served
// resource can't be listed nobody is orphaned, as what is not seen would lose its owner. An owner
// reference to another namespace counts as one to nothing, with an event. Source:
// https://kubernetes.io/docs/concepts/architecture/garbage-collection/
#pragma once
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
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
  // A resource, served now or at some time.
  struct Watched {
    const schema::Resource* resource = nullptr;
    client::Informer* informer = nullptr;
    bool served = true;
  };
  enum class OwnerState : uint8_t { kSolid, kWaiting, kGone };
  struct Owner {
    std::string api_version;
    std::string kind;
    std::string name;
    std::string uid;
    auto operator<=>(const Owner&) const = default;
  };
  struct Owners {
    std::vector<std::string> solid;
    std::vector<std::string> waiting;  // uids: being deleted in the foreground
    std::vector<std::string> gone;
  };

  // Noticing.
  void follow(const schema::Resource& resource, bool served);
  void changed(size_t resource, const ObjectPtr& old, const ObjectPtr& now);
  void enqueue_object(size_t resource, const Object& object);
  void enqueue_dependents(std::string_view uid);
  void enqueue_waiting_owners(const Object& object);
  // The place in watched_ of an owner's resource.
  std::optional<size_t> place_of(const meta_v1::OwnerReference& owner) const;
  ObjectPtr cached_owner(const Object& object, const meta_v1::OwnerReference& owner) const;
  std::vector<Found> dependents(std::string_view uid) const;

  // Acting.
  Task<Result<void>> collect(Found item);
  Task<Result<void>> finish_foreground(Found item);
  Task<Result<void>> orphan_dependents(Found item);
  Task<Result<void>> classify(Found item, Owners* owners);
  Task<Result<OwnerState>> look_up(Found item, Owner owner);
  Task<Result<void>> drop_owners(Found item, std::vector<std::string> uids);
  Task<Result<void>> drop_finalizer(Found item, std::string finalizer);
  Task<Result<void>> unblock_cycles(Found item);
  Task<Result<void>> patch(Found item, std::string patch);
  Task<Result<void>> remove(Found item, std::string policy);
  void refuse_foreign_owner(const Found& item, const Owner& owner);
  void refuse_if_foreign(const Found& item, const Owner& owner, const schema::Resource& resource);

  std::vector<Watched> watched_;
  std::map<const schema::Resource*, size_t> positions_;  // in watched_
  // Owners known to be gone, as they were named: of another name the same uid may well be there.
  std::set<std::pair<std::string, Owner>> absent_;  // by namespace
};

}  // namespace tiphys::controllers
