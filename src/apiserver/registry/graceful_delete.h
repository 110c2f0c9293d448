// What a delete request does to an object: nothing yet, a mark, or its end. Pure.
// Upstream: rest.BeforeDelete and registry.Store.updateForGracefulDeletionAndFinalizers.
#pragma once
#include "apiserver/registry/registry.h"

namespace tiphys::apiserver {

enum class DeleteStep : uint8_t {
  kErase,        // remove it now
  kUpdate,       // write the marked object; it stays
  kUpdateErase,  // marked with grace period 0 and to be removed now
  kPending,      // deletion is in progress already: nothing to do
};

struct DeletePlan {
  DeleteStep step = DeleteStep::kErase;
  std::optional<Draft> marked;  // kUpdate, kUpdateErase: the object to write
};

// `strategy` is that of the kind. Error: Conflict of a precondition.
Result<DeletePlan> plan_delete(const schema::Resource& resource, const Strategy& strategy,
                               const Object& object, const DeleteRequest& request, MicroTime now);
// Error: Conflict, naming the kind ("pods" objects: kind Pod), as upstream's BeforeDelete does.
Result<void> check_delete_preconditions(const schema::Resource& resource, const MetaView& meta,
                                        const Preconditions& wanted);
// True if an update left an object that is to be removed: it was marked before, no finalizer is
// left and its grace period is over (0 or none).
bool removed_by_update(const schema::Resource& resource, const Object& object, const Object& old);

}  // namespace tiphys::apiserver
