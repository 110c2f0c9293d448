// FakeStore: the objects of a model API server, with one revision for all and the history of
// changes. Pure state; used by FakeApi.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "client/transport.h"
#include "schema/resource.h"

namespace tiphys::fake {

// A change, as watchers of its resource see it.
struct Change {
  int64_t revision = 0;
  const schema::Resource* resource = nullptr;
  client::WatchEvent event;
};

class FakeStore {
 public:
  using Key = std::pair<std::string, std::string>;  // namespace, name
  using Objects = std::map<Key, ObjectPtr>;

  explicit FakeStore(uint64_t seed) : random_(seed) {}

  ObjectPtr get(const schema::Resource& resource, const std::string& ns,
                const std::string& name) const;
  const Objects& objects(const schema::Resource& resource) const;
  Result<ObjectPtr> create(const schema::Resource& resource, const std::string& ns,
                           ObjectPtr object, MicroTime now);
  // sub: "", "status" or "finalize". A resourceVersion in the object must be the stored one.
  Result<ObjectPtr> update(const schema::Resource& resource, const ObjectPtr& object,
                           const std::string& sub);
  // `options` may be null. Pods on nodes stay, being deleted, until finish_pod().
  Result<ObjectPtr> remove(const schema::Resource& resource, const std::string& ns,
                           const std::string& name, const Object* options, MicroTime now);
  // What a kubelet does at the end of a pod's deletion: it is gone.
  void erase(const schema::Resource& resource, const std::string& ns, const std::string& name);

  int64_t revision() const { return revision_; }
  const std::vector<Change>& history() const { return history_; }
  int64_t compacted() const { return compacted_; }
  void compact() { compacted_ = revision_; }

 private:
  void commit(const schema::Resource& resource, client::WatchEvent::Type type, Draft draft,
              ObjectPtr* out);
  Result<ObjectPtr> mark_deleted(const schema::Resource& resource, const ObjectPtr& old,
                                 const Object* options, MicroTime now);

  SeededRandom random_;
  int64_t revision_ = 100;
  int64_t compacted_ = 0;
  std::map<std::pair<std::string, std::string>, Objects> resources_;  // by group, resource
  std::vector<Change> history_;
};

}  // namespace tiphys::fake
