// CacherHub: the cachers of all stored resources, fed by one watch of the store on "/registry/".
// A resource without objects costs a few hundred bytes.
//
// Loop thread only. Lost watches are resumed; if the revision was compacted away everything is
// loaded again: watchers are ended, change handlers see the difference.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "apiserver/cacher/cacher.h"
#include "apiserver/lookup.h"
#include "async/gate.h"
#include "async/stop.h"

namespace tiphys::apiserver {

inline constexpr std::string_view kRegistryRoot = "/registry/";

class CacherHub {
 public:
  // The store and the loop must outlive the hub.
  CacherHub(Loop& loop, storage::Store& store);
  ~CacherHub();  // Requires: stop() finished, or start() never called

  // The cacher of a stored resource, made at the first call; resources that share an etcd_prefix
  // share it. Before start() for the built-in ones; later ones (custom resources) load by
  // themselves and are ready() soon after. Requires: resource.etcd_prefix is not empty; `resource`
  // outlives the hub or remove().
  Cacher& add(const schema::Resource& resource);
  // Ends its watchers and forgets it.
  void remove(const schema::Resource& resource);
  // Null: not added.
  Cacher* find(const schema::Resource& resource) const;
  Cacher* find(std::string_view group, std::string_view resource) const;

  // Loads everything and starts the watch. Error: the store's.
  Task<Result<void>> start();
  Task<void> stop();

  // The revision that all cachers reflect.
  Revision revision() const;
  // Waits until the cachers reflect all that was committed when called (a consistent read) and
  // returns that revision. At once on the memory and embedded engines. Errors: the store's;
  // Timeout.
  Task<Result<Revision>> wait_consistent(Duration timeout);

  // Lookup over all cachers.
  Lookup& lookup();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Store key of an object: <etcd_prefix>/<ns>/<name> or <etcd_prefix>/<name>.
std::string store_key(const schema::Resource& resource, std::string_view ns, std::string_view name);

// Decodes what the store holds for a resource ("k8s\0" protobuf or JSON), resourceVersion set.
Result<ObjectPtr> decode_stored(const schema::Resource& resource, const storage::KeyValue& item);

}  // namespace tiphys::apiserver
