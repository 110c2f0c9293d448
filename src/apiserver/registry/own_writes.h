// OwnWrites: what the API server itself writes (system namespaces, roles, addresses of Services):
// through the registry, so with the validation of every write, but without admission. The writer is
// system:apiserver. Loop thread; the registry and the loop must outlive it. Errors: the registry's.
#pragma once
#include <string>

#include "apiserver/registry/registry.h"
#include "async/loop.h"

namespace tiphys::apiserver {

class OwnWrites {
 public:
  OwnWrites(Registry& registry, Loop& loop) : registry_(registry), loop_(loop) {}

  // Creates the object unless there is one of its name; gives the one that is there then.
  Task<Result<ObjectPtr>> ensure(const schema::Resource& resource, std::string ns, Draft object);
  // Writes `object` over what is there, creating it if absent.
  Task<Result<ObjectPtr>> put(const schema::Resource& resource, std::string ns, Draft object);
  // Writes an object that is there; Conflict if its resourceVersion isn't the stored one any more.
  Task<Result<ObjectPtr>> update(Draft object);
  // Writes an object's status; Conflict if its resourceVersion isn't the stored one any more.
  Task<Result<ObjectPtr>> put_status(Draft object);
  // Deletes the very object, by its uid. Fine if it is gone.
  Task<Result<void>> remove(const schema::Resource& resource, ObjectPtr object);

 private:
  Task<Result<ObjectPtr>> overwrite(Draft object, std::string subresource);

  Registry& registry_;
  Loop& loop_;
};

}  // namespace tiphys::apiserver
