#include "tests/control/model_volumes.h"

#include "base/log.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"
#include "kinds/storage_v1.h"

namespace tiphys::control {
namespace {

constexpr Duration kReaction = std::chrono::milliseconds(300);
constexpr std::string_view kBindCompleted = "pv.kubernetes.io/bind-completed";
constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";

const schema::Resource& claims() {
  return *schema::find_resource("", "v1", "persistentvolumeclaims");
}
const schema::Resource& volumes() { return *schema::find_resource("", "v1", "persistentvolumes"); }
const schema::Resource& classes() {
  return *schema::find_resource("storage.k8s.io", "v1", "storageclasses");
}

// What fails comes again with the change that was in its way.
void tell(const Result<ObjectPtr>& done) {
  if (!done && done.error().code() != 409 && done.error().code() != 404) {
    LOG_WARNING("The model PV controller can't", {"err", done.error()});
  }
}

bool is_bound(const Object& claim) {
  core_v1::PersistentVolumeClaim view(claim);
  return view.status().phase() == "Bound" && view.metadata().annotations().contains(kBindCompleted);
}

void name_claim(core_v1::PersistentVolumeSpecEdit spec, const Object& claim) {
  core_v1::ObjectReferenceEdit ref = spec.edit_claim_ref();
  ref.set_api_version("v1");
  ref.set_kind("PersistentVolumeClaim");
  ref.set_namespace(namespace_of(claim));
  ref.set_name(name_of(claim));
  ref.set_uid(uid_of(claim));
}

ObjectPtr volume_made_for(const Object& object) {
  core_v1::PersistentVolumeClaim claim(object);
  std::string name = "pvc-" + std::string(uid_of(object));
  Draft draft = core_v1::PersistentVolume::make();
  core_v1::PersistentVolumeEdit volume(draft);
  volume.edit_metadata().set_name(name);
  core_v1::PersistentVolumeSpecEdit spec = volume.edit_spec();
  spec.set_capacity(claim.spec().resources().requests());
  spec.set_access_modes(claim.spec().access_modes());
  spec.set_storage_class_name(claim.spec().storage_class_name());
  spec.set_persistent_volume_reclaim_policy("Delete");
  spec.edit_csi().set_driver(ModelVolumes::kProvisioner);
  spec.edit_csi().set_volume_handle(name);
  name_claim(spec, object);
  std::string_view node = claim.metadata().annotations().find(kSelectedNode);
  if (!node.empty()) {
    core_v1::NodeSelectorRequirementEdit on = spec.edit_node_affinity()
                                                  .edit_required()
                                                  .edit_node_selector_terms()
                                                  .append()
                                                  .edit_match_expressions()
                                                  .append();
    on.set_key("kubernetes.io/hostname");
    on.set_operator("In");
    on.edit_values().append(node);
  }
  return draft.freeze();
}

}  // namespace

ModelVolumes::ModelVolumes(Loop& loop, client::Client& client, Random& random)
    : loop_(loop),
      client_(client),
      informers_(loop, client, random),
      claims_(informers_.informer(claims())),
      volumes_(informers_.informer(volumes())),
      classes_(informers_.informer(classes())),
      changed_(loop),
      gate_(loop) {
  for (client::Informer* informer : {&claims_, &volumes_, &classes_}) {
    informer->add_handler([this](const ObjectPtr&, const ObjectPtr&) { changed_.set(); });
  }
}

ModelVolumes::~ModelVolumes() = default;

void ModelVolumes::start() {
  informers_.start();
  gate_.spawn(work());
}

Task<void> ModelVolumes::stop() {
  stop_.request_stop();
  co_await gate_.close();
  co_await informers_.stop();
}

Task<void> ModelVolumes::work() {
  while (!stop_.stop_requested()) {
    co_await changed_.wait(stop_.token());
    co_await sleep_for(loop_, kReaction, stop_.token());
    changed_.reset();
    for (ObjectPtr volume : volumes_.list()) co_await settle_volume(volume);
    for (ObjectPtr claim : claims_.list()) co_await settle_claim(claim);
  }
}

Task<void> ModelVolumes::settle_volume(ObjectPtr object) {
  core_v1::PersistentVolume volume(*object);
  core_v1::ObjectReference ref = volume.spec().claim_ref();
  if (ref.name().empty() && volume.status().phase() == "Pending") {
    Draft draft(*object);
    core_v1::PersistentVolumeEdit(draft).edit_status().set_phase("Available");
    Result<ObjectPtr> done = co_await client_.update(volumes(), draft.freeze(), "status");
    tell(done);
    co_return;
  }
  if (ref.uid().empty()) co_return;
  ObjectPtr claim = claims_.get(ref.namespace_(), ref.name());
  if (!claim || uid_of(*claim) != ref.uid()) {
    Result<ObjectPtr> done = co_await client_.remove(volumes(), "", std::string(name_of(*object)));
    tell(done);
    co_return;
  }
  if (!is_bound(*claim)) co_await bind(claim, object);
}

bool ModelVolumes::is_to_be_made(const Object& object) const {
  core_v1::PersistentVolumeClaim claim(object);
  if (!claim.spec().volume_name().empty() || is_deleting(object)) return false;
  if (claim.spec().storage_class_name().empty()) return true;
  ObjectPtr found = classes_.get("", claim.spec().storage_class_name());
  if (!found) return false;
  storage_v1::StorageClass storage_class(*found);
  if (storage_class.provisioner() != kProvisioner) return false;
  bool waits = storage_class.volume_binding_mode() == "WaitForFirstConsumer";
  return !waits || claim.metadata().annotations().contains(kSelectedNode);
}

Task<void> ModelVolumes::settle_claim(ObjectPtr claim) {
  if (!is_to_be_made(*claim)) co_return;
  Result<ObjectPtr> done = co_await client_.create(volumes(), "", volume_made_for(*claim));
  tell(done);
}

Task<void> ModelVolumes::bind(ObjectPtr claim, ObjectPtr volume) {
  Draft named(*claim);
  core_v1::PersistentVolumeClaimEdit edit(named);
  edit.edit_spec().set_volume_name(name_of(*volume));
  edit.edit_metadata().edit_annotations().set(kBindCompleted, "yes");
  Result<ObjectPtr> written = co_await client_.update(claims(), named.freeze());
  tell(written);
  if (!written) co_return;
  Draft status(**written);
  core_v1::PersistentVolumeClaimEdit bound(status);
  bound.edit_status().set_phase("Bound");
  bound.edit_status().set_capacity(core_v1::PersistentVolume(*volume).spec().capacity());
  bound.edit_status().set_access_modes(core_v1::PersistentVolume(*volume).spec().access_modes());
  written = co_await client_.update(claims(), status.freeze(), "status");
  tell(written);
  Draft taken(*volume);
  core_v1::PersistentVolumeEdit(taken).edit_status().set_phase("Bound");
  written = co_await client_.update(volumes(), taken.freeze(), "status");
  tell(written);
}

}  // namespace tiphys::control
