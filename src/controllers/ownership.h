// Ownership: who controls an object, and which objects a controller should take or let go. Pure.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/ and client-go's
// controller_ref_manager.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/informer.h"
#include "controllers/action.h"
#include "kinds/label_selector.h"
#include "kinds/metadata.h"

namespace tiphys::controllers {

// The owner reference with controller: true.
std::optional<meta_v1::OwnerReference> controller_of(const Object& object);

// The selector of a LabelSelector struct: absent selects nothing, empty selects everything. What
// the API server would not accept selects nothing.
LabelSelector selector_of(const meta_v1::LabelSelector& selector, bool present);

// Index of objects by who controls them: "uid", or "/namespace" for objects without controller.
inline constexpr std::string_view kByController = "controller";
std::vector<std::string> controller_index_keys(const Object& object);
// Objects that the owner controls or might adopt. Requires: the index was added.
std::vector<ObjectPtr> claim_candidates(const client::Informer& informer, const Object& owner);

// The owners that a change of a dependent concerns: the one that its controller reference names (an
// earlier one of the name may stand in the way), or, of an orphan, all that might adopt it.
std::vector<ObjectPtr> owners_concerned(
    const client::Informer& owners, std::string_view kind, const Object& dependent,
    const std::function<LabelSelector(const ObjectPtr&)>& selector);

struct Claim {
  std::vector<ObjectPtr> ours;     // controlled by the owner and selected
  std::vector<ObjectPtr> adopt;    // selected, without controller
  std::vector<ObjectPtr> release;  // controlled, no longer selected
};
Claim claim(const Object& owner, const LabelSelector& selector,
            const std::vector<ObjectPtr>& candidates);
// The actions for it, in batch 0 and 1: adoption first makes sure that the owner is alive. What is
// adopted gets the finalizer, what is released loses it ("": none).
void add_claim_actions(const Claim& claim, const schema::Resource& owner_resource,
                       const ObjectPtr& owner, const schema::Resource& resource, Decision& decision,
                       std::string_view finalizer = "");

}  // namespace tiphys::controllers
