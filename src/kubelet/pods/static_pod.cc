#include "kubelet/pods/static_pod.h"

#include <set>

#include "base/strings.h"
#include "codec/codec.h"
#include "crypto/jwt.h"
#include "kinds/defaults.h"
#include "kinds/pod_references.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kUidBytes = 16;

std::string hex_of(std::string_view bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string manifest_hash(const Draft& pod, const StaticPodInput& in) {
  std::string text;
  codec::encode_json(pod.type(), pod.root(), text);
  text +=
      in.url.empty() ? "host:" + in.node_name + "file:" + in.file : "url:" + std::string(in.url);
  return hex_of(crypto::sha256(text).substr(0, kUidBytes));
}

// A volume that needs the API, as upstream calls it; "": none.
std::string volume_reference(core_v1::Volume v) {
  if (v.has_config_map()) return "configmaps (via configmap volumes)";
  if (v.has_secret()) return "secrets (via secret volumes)";
  if (v.has_csi()) return "csidrivers (via CSI volumes)";
  if (v.has_persistent_volume_claim()) return "persistentvolumeclaims";
  if (v.has_ephemeral()) return "persistentvolumeclaims (via ephemeral volumes)";
  for (core_v1::VolumeProjection source : v.projected().sources()) {
    if (source.has_config_map()) return "configmaps (via projected volumes)";
    if (source.has_secret()) return "secrets (via projected volumes)";
    if (source.has_service_account_token()) return "serviceaccounts (via projected volumes)";
    if (source.has_cluster_trust_bundle()) return "clustertrustbundles";
    if (source.has_pod_certificate()) return "podcertificates";
  }
  return {};
}

std::string api_reference(core_v1::Pod pod) {
  if (!pod.spec().service_account_name().empty()) return "serviceaccounts";
  kinds::PodReferences names = kinds::references_of(pod);
  if (!names.secrets.empty()) return "secrets";
  if (!names.config_maps.empty()) return "configmaps";
  if (!pod.spec().resource_claims().empty()) return "resourceclaims";
  for (core_v1::Volume volume : pod.spec().volumes()) {
    std::string reference = volume_reference(volume);
    if (!reference.empty()) return reference;
  }
  return {};
}

// Static pods stay whatever the node's taints say.
void tolerate_no_execute(core_v1::PodSpecEdit spec) {
  for (core_v1::Toleration t : spec.view().tolerations()) {
    if (t.key().empty() && t.operator_() == "Exists" && t.effect() == "NoExecute") return;
  }
  core_v1::TolerationEdit toleration = spec.edit_tolerations().append();
  toleration.set_operator("Exists");
  toleration.set_effect("NoExecute");
}

void complete(Draft& draft, const StaticPodInput& in) {
  core_v1::PodEdit pod(draft);
  meta_v1::ObjectMetaEdit meta = pod.edit_metadata();
  if (meta.view().uid().empty()) meta.set_uid(manifest_hash(draft, in));
  meta.set_name(std::string(meta.view().name()) + "-" + to_lower(in.node_name));
  if (meta.view().namespace_().empty()) meta.set_namespace("default");
  meta.set_generation(1);  // its uid changes with its manifest
  std::string uid(meta.view().uid());
  meta.edit_annotations().set(kConfigHashAnnotation, uid);
  meta.edit_annotations().set(kConfigSeenAnnotation, format_rfc3339_micro(in.now));
  meta.edit_annotations().set(kConfigSourceAnnotation, in.url.empty() ? kFileSource : kUrlSource);
  pod.edit_spec().set_node_name(in.node_name);
  if (in.url.empty()) tolerate_no_execute(pod.edit_spec());
  pod.clear_status();
  pod.edit_status().set_phase("Pending");
}

Result<void> check_minimum(core_v1::Pod pod) {
  if (pod.metadata().name().empty()) return ApiStatus::bad_request("metadata.name: Required value");
  if (pod.spec().containers().empty()) {
    return ApiStatus::bad_request("spec.containers: Required value");
  }
  return {};
}

Result<Draft> decode(const StaticPodInput& in) {
  if (in.text.size() > kMaxManifestBytes) return ApiStatus::bad_request("the file is too big");
  return codec::decode_object(codec::Format::kYaml, in.text, nullptr, nullptr);  // JSON is YAML
}

Result<ObjectPtr> make_static_pod(Draft draft, const StaticPodInput& in) {
  if (&draft.type() != &core_v1::Pod::message()) {
    return ApiStatus::bad_request("invalid pod: it is of another kind");
  }
  Result<void> enough = check_minimum(core_v1::Pod(draft));
  if (!enough) return enough.error();
  complete(draft, in);
  kinds::apply_defaults(draft);
  ObjectPtr pod = draft.freeze();
  Result<void> valid = in.check ? in.check(*pod) : Result<void>();
  if (!valid) return ApiStatus::bad_request("invalid pod: " + valid.error().message());
  std::string reference = api_reference(core_v1::Pod(*pod));
  if (reference.empty()) return pod;
  return ApiStatus::bad_request("static pods may not reference " + reference);
}

std::string full_name(const ObjectPtr& pod) {
  meta_v1::ObjectMeta meta = core_v1::Pod(*pod).metadata();
  return std::string(meta.namespace_()) + "/" + std::string(meta.name());
}

}  // namespace

Result<ObjectPtr> parse_static_pod(const StaticPodInput& in) {
  Result<Draft> draft = decode(in);
  if (!draft) return draft.error();
  return make_static_pod(std::move(*draft), in);
}

Result<std::vector<ObjectPtr>> parse_static_pods(const StaticPodInput& in) {
  Result<Draft> draft = decode(in);
  if (!draft) return draft.error();
  std::vector<ObjectPtr> out;
  if (&draft->type() != &core_v1::PodList::message()) {
    Result<ObjectPtr> pod = make_static_pod(std::move(*draft), in);
    if (!pod) return pod.error();
    out.push_back(std::move(*pod));
    return out;
  }
  std::set<std::string> names;
  core_v1::PodList list(*draft);
  if (list.items().size() > kMaxPodsOfUrl) return ApiStatus::bad_request("there are too many pods");
  for (core_v1::Pod item : list.items()) {
    Draft one = core_v1::Pod::make();
    core_v1::PodEdit(one).set_metadata(item.metadata());
    core_v1::PodEdit(one).set_spec(item.spec());
    Result<ObjectPtr> pod = make_static_pod(std::move(one), in);
    if (!pod) return pod.error();
    if (names.insert(full_name(*pod)).second) out.push_back(std::move(*pod));
  }
  return out;
}

bool is_mirror_pod(core_v1::Pod pod) {
  return pod.metadata().annotations().contains(kConfigMirrorAnnotation);
}

bool is_static_pod(core_v1::Pod pod) {
  std::string_view source = pod.metadata().annotations().find(kConfigSourceAnnotation);
  return !is_mirror_pod(pod) && !source.empty() && source != "api";
}

ObjectPtr as_api_pod(ObjectPtr pod) {
  if (!is_static_pod(core_v1::Pod(*pod))) return pod;
  Draft draft(*pod);
  core_v1::PodEdit(draft).edit_metadata().edit_annotations().set(kConfigSourceAnnotation, "api");
  return draft.freeze();
}

bool is_mirror_of(core_v1::Pod mirror, core_v1::Pod pod) {
  std::string_view hash = pod.metadata().annotations().find(kConfigHashAnnotation);
  return mirror.metadata().annotations().find(kConfigMirrorAnnotation) == hash;
}

ObjectPtr make_mirror_pod(const Object& pod, std::string_view node_name,
                          std::string_view node_uid) {
  Draft draft(pod);
  core_v1::PodEdit mirror(draft);
  std::string hash(mirror.view().metadata().annotations().find(kConfigHashAnnotation));
  meta_v1::ObjectMetaEdit meta = mirror.edit_metadata();
  meta.clear_uid();
  meta.clear_generation();
  meta.clear_resource_version();
  meta.edit_annotations().set(kConfigMirrorAnnotation, hash);
  meta.clear_owner_references();
  meta_v1::OwnerReferenceEdit owner = meta.edit_owner_references().append();
  owner.set_api_version("v1");
  owner.set_kind("Node");
  owner.set_name(node_name);
  owner.set_uid(node_uid);
  owner.set_controller(true);
  mirror.clear_status();
  return draft.freeze();
}

ObjectPtr with_status_of(const Object& mirror, core_v1::Pod pod) {
  Draft draft(mirror);
  core_v1::PodEdit(draft).set_status(pod.status());
  return draft.freeze();
}

ObjectPtr with_mirror_status(const Object& pod, core_v1::Pod mirror) {
  Draft draft(pod);
  core_v1::PodEdit(draft).set_status(mirror.status());
  return draft.freeze();
}

}  // namespace tiphys::kubelet
