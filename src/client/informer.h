// Informer: a local, always current copy of one resource, by list and watch. InformerFactory: the
// informers of one component, one per resource and selector, started and stopped together.
//
// Loop thread only. Objects are immutable and shared. Handlers run after the copy has changed, and
// must only take notes (enqueue keys): level-driven. A broken watch resumes from the last revision;
// after 410 it lists again and handlers see the difference. Back-off 0.8 s to 30 s with jitter.
// The order across informers is not defined.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/gate.h"
#include "base/random.h"
#include "client/client.h"

namespace tiphys::client {

// Objects may be null: old is null for an add, now is null for a delete (old: the last known
// state).
using InformerHandler = std::function<void(const ObjectPtr& old, const ObjectPtr& now)>;
// Keys under which an index finds an object.
using IndexFunction = std::function<std::vector<std::string>(const Object& object)>;

class Informer {
 public:
  const schema::Resource& resource() const;
  // Handlers added later see every present object as an add, from the loop.
  void add_handler(InformerHandler handler);
  // Nothing happens if the name was added before.
  void add_index(std::string name, IndexFunction function);

  bool synced() const;                                              // the first list is complete
  Task<bool> wait_for_sync(StopToken stop);                         // false: stopped first
  ObjectPtr get(std::string_view ns, std::string_view name) const;  // null: none
  // All, or those of a namespace, in order of (namespace, name).
  std::vector<ObjectPtr> list(std::string_view ns = {}) const;
  std::vector<ObjectPtr> by_index(std::string_view index, std::string_view key) const;
  size_t size() const;
  // The newest revision that the copy reflects.
  const std::string& resource_version() const;

 private:
  friend class InformerFactory;
  struct Impl;
  explicit Informer(std::unique_ptr<Impl> impl);

 public:
  ~Informer();

 private:
  std::unique_ptr<Impl> impl_;
};

class InformerFactory {
 public:
  InformerFactory(Loop& loop, Client& client, Random& random);
  ~InformerFactory();  // Requires: stop() finished, or never started
  // The informer of a resource; created at the first call (started at once if the factory is).
  Informer& informer(const schema::Resource& resource, ListOptions selector = {},
                     std::string ns = "");
  // Ends an informer whose resource is served no more: it forgets its objects without telling, and
  // is not synced. informer() starts it again. Nothing happens if there is none.
  void suspend(const schema::Resource& resource);
  void start();
  // True once all are synced; false if stopped first.
  Task<bool> wait_for_sync(StopToken stop);
  Task<void> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::client
