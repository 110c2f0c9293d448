#include "controllers/storage_protection.h"

#include "controllers/ownership.h"
#include "controllers/resources.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kClaimFinalizer = "kubernetes.io/pvc-protection";
constexpr std::string_view kVolumeFinalizer = "kubernetes.io/pv-protection";
constexpr std::string_view kClassFinalizer = "kubernetes.io/vac-protection";
constexpr std::string_view kByClaim = "claim";
constexpr std::string_view kByClass = "class";

// Claims that a pod on a node uses: named ones, and those made for it (ephemeral volumes).
std::vector<std::string> claims_of(const Object& object) {
  core_v1::Pod pod(object);
  std::vector<std::string> keys;
  if (pod.spec().node_name().empty()) return keys;
  std::string ns(pod.metadata().namespace_());
  for (core_v1::Volume volume : pod.spec().volumes()) {
    if (volume.has_persistent_volume_claim()) {
      keys.push_back(client::object_key(ns, volume.persistent_volume_claim().claim_name()));
    } else if (volume.has_ephemeral()) {
      std::string name = std::string(pod.metadata().name()) + "-" + std::string(volume.name());
      keys.push_back(client::object_key(ns, name));
    }
  }
  return keys;
}

// A claim of an ephemeral volume's name that was not made for the pod is not used by it; one that
// was is no longer once the kubelet is done with the pod.
bool uses(const Object& object, const Object& claim) {
  core_v1::Pod pod(object);
  std::string prefix = std::string(pod.metadata().name()) + "-";
  auto owner = controller_of(claim);
  bool own = owner && owner->uid() == pod.metadata().uid();
  bool done = is_deleting(object) && pod.metadata().deletion_grace_period_seconds() == 0;
  for (core_v1::Volume volume : pod.spec().volumes()) {
    if (volume.persistent_volume_claim().claim_name() == name_of(claim)) return true;
    bool named = volume.has_ephemeral() && prefix + std::string(volume.name()) == name_of(claim);
    if (named && own && !done) return true;
  }
  return false;
}

std::vector<std::string> classes_of_claim(const Object& object) {
  core_v1::PersistentVolumeClaim claim(object);
  core_v1::PersistentVolumeClaimStatus status = claim.status();
  std::vector<std::string> names;
  for (std::string_view name :
       {claim.spec().volume_attributes_class_name(), status.current_volume_attributes_class_name(),
        status.modify_volume_status().target_volume_attributes_class_name()}) {
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

std::vector<std::string> classes_of_volume(const Object& object) {
  std::string_view name = core_v1::PersistentVolume(object).spec().volume_attributes_class_name();
  return name.empty() ? std::vector<std::string>() : std::vector{std::string(name)};
}

ObjectPtr without_finalizer(const Object& object, std::string_view finalizer) {
  Draft draft(object);
  auto finalizers = edit_metadata(draft).edit_finalizers();
  for (size_t i = finalizers.size(); i-- > 0;) {
    if (finalizers[i] == finalizer) finalizers.erase(i);
  }
  if (finalizers.empty()) edit_metadata(draft).clear_finalizers();
  return draft.freeze();
}

// For objects from before the admission plugin that adds it was on.
Decision add_finalizer(const schema::Resource& resource, const Object& object,
                       std::string_view finalizer) {
  Decision decision;
  if (has_finalizer(object, finalizer)) return decision;
  Draft draft(object);
  edit_metadata(draft).edit_finalizers().append(finalizer);
  decision.add(update_action(resource, draft.freeze()));
  return decision;
}

}  // namespace

PvcProtection::PvcProtection(Context context)
    : Controller(context, "persistentvolumeclaim-protection-controller", 1),
      claims_(watch(persistent_volume_claims())),
      pods_(watch(pods())) {
  pods_.add_index(std::string(kByClaim), claims_of);
  enqueue_changes(claims_);
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now && !is_deleting(*now)) return;
    for (std::string& key : claims_of(now ? *now : *old)) enqueue(std::move(key));
  });
}

Decision PvcProtection::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr claim = claims_.get(ns, name);
  if (!claim) return decision;
  if (!is_deleting(*claim)) {
    return add_finalizer(persistent_volume_claims(), *claim, kClaimFinalizer);
  }
  if (!has_finalizer(*claim, kClaimFinalizer)) return decision;
  for (const ObjectPtr& pod : pods_.by_index(kByClaim, key)) {
    if (uses(*pod, *claim)) return decision;
  }
  decision.add(
      update_action(persistent_volume_claims(), without_finalizer(*claim, kClaimFinalizer)));
  return decision;
}

PvProtection::PvProtection(Context context)
    : Controller(context, "persistentvolume-protection-controller", 1),
      volumes_(watch(persistent_volumes())) {
  enqueue_changes(volumes_);
}

Decision PvProtection::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr volume = volumes_.get("", key);
  if (!volume) return decision;
  if (!is_deleting(*volume)) return add_finalizer(persistent_volumes(), *volume, kVolumeFinalizer);
  if (!has_finalizer(*volume, kVolumeFinalizer)) return decision;
  if (core_v1::PersistentVolume(*volume).status().phase() == "Bound") return decision;
  decision.add(update_action(persistent_volumes(), without_finalizer(*volume, kVolumeFinalizer)));
  return decision;
}

VacProtection::VacProtection(Context context)
    : Controller(context, "volumeattributesclass-protection-controller", 1),
      classes_(watch(volume_attributes_classes())),
      claims_(watch(persistent_volume_claims())),
      volumes_(watch(persistent_volumes())) {
  claims_.add_index(std::string(kByClass), classes_of_claim);
  volumes_.add_index(std::string(kByClass), classes_of_volume);
  enqueue_changes(classes_);
  // What no longer names a class may have been its last user.
  claims_.add_handler([this](const ObjectPtr& old, const ObjectPtr&) {
    if (!old) return;
    for (std::string& name : classes_of_claim(*old)) enqueue(std::move(name));
  });
  volumes_.add_handler([this](const ObjectPtr& old, const ObjectPtr&) {
    if (!old) return;
    for (std::string& name : classes_of_volume(*old)) enqueue(std::move(name));
  });
}

Decision VacProtection::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr one = classes_.get("", key);
  if (!one) return decision;
  if (!is_deleting(*one)) return add_finalizer(volume_attributes_classes(), *one, kClassFinalizer);
  if (!has_finalizer(*one, kClassFinalizer)) return decision;
  bool used = !claims_.by_index(kByClass, key).empty() || !volumes_.by_index(kByClass, key).empty();
  if (used) return decision;
  decision.add(
      update_action(volume_attributes_classes(), without_finalizer(*one, kClassFinalizer)));
  return decision;
}

}  // namespace tiphys::controllers
