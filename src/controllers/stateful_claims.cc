#include "controllers/stateful_claims.h"

#include "controllers/stateful_pod.h"
#include "kinds/metadata.h"

namespace tiphys::controllers {

namespace {

struct Policy {
  bool delete_when_deleted = false;
  bool delete_when_scaled = false;
};

Policy policy_of(const Object& set) {
  auto policy = apps_v1::StatefulSet(set).spec().persistent_volume_claim_retention_policy();
  return {policy.when_deleted() == "Delete", policy.when_scaled() == "Delete"};
}

enum class Owner : uint8_t { kNone, kSet, kPod };

Owner wanted_owner(const ClaimUser& user) {
  Policy policy = policy_of(user.set);
  if (policy.delete_when_scaled && !user.in_range) return Owner::kPod;
  return policy.delete_when_deleted ? Owner::kSet : Owner::kNone;
}

bool names_set(const meta_v1::OwnerReference& owner, const ClaimUser& user) {
  return owner.api_version() == "apps/v1" && owner.kind() == "StatefulSet" &&
         owner.name() == name_of(user.set);
}

bool names_pod(const meta_v1::OwnerReference& owner, const ClaimUser& user) {
  return owner.api_version() == "v1" && owner.kind() == "Pod" && owner.name() == user.pod_name;
}

std::string_view pod_uid(const ClaimUser& user) {
  return user.pod ? uid_of(*user.pod) : std::string_view();
}

// A reference to the set or the pod, but to an earlier one of the name.
bool names_earlier(const meta_v1::OwnerReference& owner, const ClaimUser& user) {
  if (names_set(owner, user)) return owner.uid() != uid_of(user.set);
  return names_pod(owner, user) && owner.uid() != pod_uid(user);
}

bool names_us(const meta_v1::OwnerReference& owner, const ClaimUser& user) {
  return owner.uid() == uid_of(user.set) || (user.pod && owner.uid() == pod_uid(user));
}

bool is_managed_by_others(const Object& claim, const ClaimUser& user) {
  Policy policy = policy_of(user.set);
  if (!policy.delete_when_deleted && !policy.delete_when_scaled) return false;
  for (meta_v1::OwnerReference owner : metadata(claim).owner_references()) {
    if (names_earlier(owner, user)) return true;
    bool ours = names_set(owner, user) || names_pod(owner, user);
    if (!ours && owner.controller()) return true;
  }
  return false;
}

void put_owners(Draft& draft, const ClaimUser& user) {
  Owner wanted = wanted_owner(user);
  if (wanted == Owner::kSet) set_controller(draft, user.set);
  if (wanted == Owner::kPod && user.pod) set_controller(draft, *user.pod);
}

}  // namespace

ObjectPtr new_stateful_claim(const core_v1::PersistentVolumeClaim& claim_template,
                             const ClaimUser& user, int64_t ordinal) {
  apps_v1::StatefulSet set(user.set);
  Draft draft = core_v1::PersistentVolumeClaim::make();
  core_v1::PersistentVolumeClaimEdit claim(draft);
  claim.set_metadata(claim_template.metadata());
  claim.set_spec(claim_template.spec());
  meta_v1::ObjectMetaEdit meta = claim.edit_metadata();
  meta.set_name(stateful_claim_name(claim_template, set.metadata().name(), ordinal));
  meta.set_namespace(set.metadata().namespace_());
  for (auto [key, value] : set.spec().selector().match_labels()) meta.edit_labels().set(key, value);
  put_owners(draft, user);
  return draft.freeze();
}

bool claim_owners_match(const Object& claim, const ClaimUser& user) {
  bool set_owns = false;
  bool pod_owns = false;
  bool all_control = true;
  for (meta_v1::OwnerReference owner : metadata(claim).owner_references()) {
    if (names_earlier(owner, user)) return true;
    if (!names_us(owner, user)) continue;
    (owner.uid() == uid_of(user.set) ? set_owns : pod_owns) = true;
    all_control = all_control && owner.controller();
  }
  if (is_managed_by_others(claim, user)) return !set_owns && !pod_owns;
  Owner wanted = wanted_owner(user);
  return all_control && set_owns == (wanted == Owner::kSet) && pod_owns == (wanted == Owner::kPod);
}

ObjectPtr with_claim_owners(const Object& claim, const ClaimUser& user) {
  bool managed = is_managed_by_others(claim, user);
  Draft draft(claim);
  meta_v1::ObjectMetaEdit meta = edit_metadata(draft);
  auto owners = meta.edit_owner_references();
  for (size_t i = owners.size(); i-- > 0;) {
    meta_v1::OwnerReference owner = owners[i].view();
    if (names_set(owner, user) || names_pod(owner, user)) owners.erase(i);
  }
  if (!managed) put_owners(draft, user);
  if (owners.empty()) meta.clear_owner_references();
  return draft.freeze();
}

bool is_claim_stale(const Object& claim, const ClaimUser& user) {
  if (!policy_of(user.set).delete_when_scaled) return false;
  for (meta_v1::OwnerReference owner : metadata(claim).owner_references()) {
    if (names_pod(owner, user)) return owner.uid() != pod_uid(user);
  }
  return false;
}

}  // namespace tiphys::controllers
