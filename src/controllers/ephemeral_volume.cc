#include "controllers/ephemeral_volume.h"

#include "controllers/ownership.h"
#include "controllers/resources.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

namespace {

constexpr const char* kFailed = "FailedBinding";
constexpr std::string_view kByClaim = "ephemeral-claim";

std::string claim_name(const Object& pod, core_v1::Volume volume) {
  return std::string(name_of(pod)) + "-" + std::string(volume.name());
}

std::vector<std::string> claim_keys(const Object& pod) {
  std::vector<std::string> keys;
  for (core_v1::Volume volume : core_v1::Pod(pod).spec().volumes()) {
    if (!volume.has_ephemeral()) continue;
    keys.push_back(client::object_key(namespace_of(pod), claim_name(pod, volume)));
  }
  return keys;
}

bool belongs_to(const Object& claim, const Object& pod) {
  auto owner = controller_of(claim);
  return owner && owner->uid() == uid_of(pod);
}

ObjectPtr claim_for(const Object& pod, core_v1::Volume volume) {
  core_v1::PersistentVolumeClaimTemplate from = volume.ephemeral().volume_claim_template();
  Draft draft = core_v1::PersistentVolumeClaim::make();
  core_v1::PersistentVolumeClaimEdit claim(draft);
  claim.edit_metadata().set_name(claim_name(pod, volume));
  claim.edit_metadata().set_namespace(namespace_of(pod));
  if (from.metadata().has_labels()) claim.edit_metadata().set_labels(from.metadata().labels());
  if (from.metadata().has_annotations()) {
    claim.edit_metadata().set_annotations(from.metadata().annotations());
  }
  set_controller(draft, pod);
  claim.set_spec(from.spec());
  return draft.freeze();
}

}  // namespace

EphemeralVolume::EphemeralVolume(Context context)
    : Controller(context, "ephemeral-volume-controller"),
      pods_(watch(pods())),
      claims_(watch(persistent_volume_claims())) {
  event_source_ = "ephemeral_volume";
  pods_.add_index(std::string(kByClaim), claim_keys);
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old || !now || is_deleting(*now)) return;  // volumes never change
    for (core_v1::Volume volume : core_v1::Pod(*now).spec().volumes()) {
      if (volume.has_ephemeral()) return enqueue(*now);
    }
  });
  // Whoever's claim it was that is gone: now the pod's can be made.
  claims_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now) return;
    for (const ObjectPtr& pod : pods_.by_index(kByClaim, client::object_key(*old))) enqueue(*pod);
  });
}

Decision EphemeralVolume::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr pod = pods_.get(ns, name);
  if (!pod || is_deleting(*pod)) return decision;
  for (core_v1::Volume volume : core_v1::Pod(*pod).spec().volumes()) {
    if (!volume.has_ephemeral()) continue;
    std::string claim = claim_name(*pod, volume);
    std::string prefix = "ephemeral volume " + std::string(volume.name()) + ": ";
    ObjectPtr known = claims_.get(ns, claim);
    if (known && belongs_to(*known, *pod)) continue;
    if (known) {
      decision.add(note_action(pod, "Warning", kFailed,
                               prefix + "PVC " + std::string(ns) + "/" + claim +
                                   " was not created for pod " + key + " (pod is not owner)"));
      return decision;
    }
    Action action = create_action(persistent_volume_claims(), claim_for(*pod, volume));
    action.failure = Note{pod, "Warning", kFailed, prefix + "create PVC " + claim + ": "};
    decision.add(std::move(action));
  }
  return decision;
}

void EphemeralVolume::outcome(const std::string& key, const Action& action,
                              const ApiStatus* error) {
  context_.metrics.claims.get().add();
  if (error) context_.metrics.claim_failures.get().add();
}

}  // namespace tiphys::controllers
