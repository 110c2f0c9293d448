#include "apiserver/authz/node.h"

#include "apiserver/authz/rbac.h"
#include "base/strings.h"
#include "kinds/pod_references.h"
#include "kinds/storage_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNodesGroup = "system:nodes";
constexpr std::string_view kNodePrefix = "system:node:";
constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
constexpr std::string_view kLeaseNamespace = "kube-node-lease";

const Verdict kAllowed{Decision::kAllow, ""};

Verdict no_opinion(std::string_view reason) { return {Decision::kNoOpinion, std::string(reason)}; }

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string key_of(std::string_view type, std::string_view ns, std::string_view name) {
  return std::string(type).append("/").append(ns).append("/").append(name);
}

// Whether a raw field selector demands field=value.
bool selects(std::string_view selector, std::string_view field, std::string_view value) {
  for (std::string_view term : split(selector, ',')) {
    auto rest = cut_prefix(trim(term), field);
    if (!rest || !rest->starts_with('=')) continue;
    rest->remove_prefix(rest->starts_with("==") ? 2 : 1);
    if (*rest == value) return true;
  }
  return false;
}

// The names of secrets, with their namespaces, that a persistent volume's plugin uses.
void volume_secrets(const schema::Message& type, const Node& node,
                    const core_v1::ObjectReference& claim, std::vector<std::string>& out) {
  for (const Value& value : node.items()) {
    const schema::Field& field = type.fields[value.field];
    if (field.kind != schema::FieldKind::kMessage || field.shape != schema::Shape::kSingular) {
      continue;
    }
    if (field.message == &core_v1::SecretReference::message()) {
      core_v1::SecretReference secret(value.as_node());
      std::string_view ns = secret.namespace_().empty() ? claim.namespace_() : secret.namespace_();
      if (!secret.name().empty()) out.push_back(key_of("", ns, secret.name()).substr(1));
    } else {
      volume_secrets(*field.message, value.as_node(), claim, out);
    }
  }
}

std::vector<std::string> secrets_of(const core_v1::PersistentVolume& volume) {
  std::vector<std::string> out;
  auto spec = volume.spec();
  volume_secrets(core_v1::PersistentVolumeSpec::message(), spec.node(), spec.claim_ref(), out);
  auto azure = spec.azure_file();
  if (!azure.secret_name().empty()) {
    std::string_view ns =
        azure.secret_namespace().empty() ? spec.claim_ref().namespace_() : azure.secret_namespace();
    out.push_back(key_of("", ns, azure.secret_name()).substr(1));
  }
  return out;
}

}  // namespace

std::optional<std::string_view> node_of(const UserInfo& user) {
  auto name = cut_prefix(user.name, kNodePrefix);
  if (!name || !user.in_group(kNodesGroup)) return std::nullopt;
  return name;
}

NodeAuthorizer::NodeAuthorizer(Lookup& lookup, ObjectPtr rules)
    : lookup_(lookup), rules_(std::move(rules)) {
  lookup.on_change("", "pods",
                   [this](const ObjectPtr& old, const ObjectPtr& now) { change_pod(old, now); });
  lookup.on_change("", "persistentvolumes",
                   [this](const ObjectPtr& old, const ObjectPtr& now) { change_volume(old, now); });
}

void NodeAuthorizer::count(const Object& object, int by) {
  core_v1::Pod pod(object);
  if (pod.spec().node_name().empty()) return;
  References& references = nodes_[std::string(pod.spec().node_name())];
  std::string_view ns = pod.metadata().namespace_();
  auto change = [&](std::string_view type, std::string_view name) {
    std::string key = key_of(type, ns, name);
    if ((references[key] += by) <= 0) references.erase(key);
  };
  change("pod", pod.metadata().name());
  // A node makes mirror pods itself: they must not open anything to it.
  if (!pod.metadata().annotations().contains(kMirrorAnnotation)) {
    kinds::PodReferences needs = kinds::references_of(pod);
    if (!pod.spec().service_account_name().empty()) {
      change("serviceaccount", pod.spec().service_account_name());
    }
    for (const auto& name : needs.secrets) change("secret", name);
    for (const auto& name : needs.config_maps) change("configmap", name);
    for (const auto& name : needs.claims) change("claim", name);
    for (const auto& name : needs.resource_claims) change("resourceclaim", name);
  }
  if (references.empty()) nodes_.erase(std::string(pod.spec().node_name()));
}

void NodeAuthorizer::change_pod(const ObjectPtr& old, const ObjectPtr& now) {
  // Most changes are of the status: the same spec refers to the same things.
  if (old && now) {
    core_v1::Pod before(*old);
    core_v1::Pod after(*now);
    auto claims = [](const core_v1::Pod& pod) {
      const Node& list = pod.status().resource_claim_statuses().node();
      return Value::of_node(ValueType::kList, const_cast<Node*>(&list));
    };
    bool same = equal(before.spec(), after.spec()) && equal(claims(before), claims(after));
    if (same) return;
  }
  if (now) count(*now, 1);
  if (old) count(*old, -1);
}

void NodeAuthorizer::change_volume(const ObjectPtr& old, const ObjectPtr& now) {
  auto change = [&](const ObjectPtr& object, int by) {
    if (!object) return;
    core_v1::PersistentVolume volume(*object);
    std::string name(volume.metadata().name());
    for (const std::string& secret : secrets_of(volume)) {
      auto& volumes = volume_secrets_[secret];
      if ((volumes[name] += by) <= 0) volumes.erase(name);
      if (volumes.empty()) volume_secrets_.erase(secret);
    }
  };
  change(now, 1);
  change(old, -1);
}

bool NodeAuthorizer::refers(std::string_view node, std::string_view type, std::string_view ns,
                            std::string_view name) const {
  auto references = nodes_.find(std::string(node));
  return references != nodes_.end() && references->second.contains(key_of(type, ns, name));
}

bool NodeAuthorizer::reaches_volume(std::string_view node, std::string_view name) const {
  ObjectPtr object = lookup_.get("", "persistentvolumes", "", name);
  if (!object) return false;
  auto claim = core_v1::PersistentVolume(*object).spec().claim_ref();
  return refers(node, "claim", claim.namespace_(), claim.name());
}

bool NodeAuthorizer::reaches(std::string_view node, std::string_view type,
                             const Attributes& attributes) const {
  if (type == "volume") return reaches_volume(node, attributes.name);
  if (type == "attachment") {
    ObjectPtr object = lookup_.get("storage.k8s.io", "volumeattachments", "", attributes.name);
    return object && storage_v1::VolumeAttachment(*object).spec().node_name() == node;
  }
  if (refers(node, type, attributes.ns, attributes.name)) return true;
  if (type != "secret") return false;
  auto volumes = volume_secrets_.find(attributes.ns + "/" + attributes.name);
  if (volumes == volume_secrets_.end()) return false;
  return std::any_of(volumes->second.begin(), volumes->second.end(),
                     [&](const auto& entry) { return reaches_volume(node, entry.first); });
}

Verdict NodeAuthorizer::authorize(const UserInfo& user, const Attributes& attributes) {
  auto node = node_of(user);
  if (!node) return {};
  if (node->empty()) return no_opinion("unknown node for user " + go_quote(user.name));
  if (attributes.is_resource) {
    if (auto verdict = authorize_own(*node, attributes)) return *verdict;
  }
  if (!rules_) return {};
  for (const auto& rule : RbacAuthorizer::rules_of(*rules_)) {
    if (rule_allows(rule, attributes)) return kAllowed;
  }
  return {};
}

// What is allowed only with a look at objects; nullopt: the rules decide.
std::optional<Verdict> NodeAuthorizer::authorize_own(std::string_view node,
                                                     const Attributes& attributes) const {
  struct Row {
    std::string_view group;
    std::string_view resource;
    Verdict (NodeAuthorizer::*check)(std::string_view, const Attributes&) const;
  };
  static constexpr Row kRows[] = {
      {"", "persistentvolumeclaims", &NodeAuthorizer::authorize_claim},
      {"", "serviceaccounts", &NodeAuthorizer::authorize_account},
      {"coordination.k8s.io", "leases", &NodeAuthorizer::authorize_lease},
      {"storage.k8s.io", "csinodes", &NodeAuthorizer::authorize_csi_node},
      {"resource.k8s.io", "resourceslices", &NodeAuthorizer::authorize_slice},
      {"", "nodes", &NodeAuthorizer::authorize_node},
      {"", "pods", &NodeAuthorizer::authorize_pod},
  };
  auto is = [&](std::string_view group, std::string_view resource) {
    return attributes.group == group && attributes.resource == resource;
  };
  for (const Row& row : kRows) {
    if (is(row.group, row.resource)) return (this->*row.check)(node, attributes);
  }
  if (is("", "secrets")) return authorize_read(node, "secret", attributes);
  if (is("", "configmaps")) return authorize_read(node, "configmap", attributes);
  if (is("", "persistentvolumes")) return authorize_get(node, "volume", attributes);
  if (is("storage.k8s.io", "volumeattachments"))
    return authorize_get(node, "attachment", attributes);
  if (is("resource.k8s.io", "resourceclaims")) {
    return authorize_get(node, "resourceclaim", attributes);
  }
  return std::nullopt;
}

Verdict NodeAuthorizer::authorize_get(std::string_view node, std::string_view type,
                                      const Attributes& attributes) const {
  if (attributes.verb != "get") return no_opinion("can only get individual resources of this type");
  if (!attributes.subresource.empty()) return no_opinion("cannot get subresource");
  if (!reaches(node, type, attributes)) {
    return no_opinion("no relationship found between node '" + std::string(node) +
                      "' and this object");
  }
  return kAllowed;
}

// Kubelets list and watch single objects too, by metadata.name, which becomes the request's name.
Verdict NodeAuthorizer::authorize_read(std::string_view node, std::string_view type,
                                       const Attributes& attributes) const {
  if (!is_one_of(attributes.verb, {"get", "list", "watch"})) {
    return no_opinion("can only read resources of this type");
  }
  if (!attributes.subresource.empty()) return no_opinion("cannot read subresource");
  if (attributes.ns.empty()) return no_opinion("can only read namespaced object of this type");
  if (attributes.name.empty() || !reaches(node, type, attributes)) {
    return no_opinion("no relationship found between node '" + std::string(node) +
                      "' and this object");
  }
  return kAllowed;
}

Verdict NodeAuthorizer::authorize_claim(std::string_view node, const Attributes& attributes) const {
  if (attributes.subresource != "status") return authorize_get(node, "claim", attributes);
  if (!is_one_of(attributes.verb, {"get", "update", "patch"})) {
    return no_opinion("can only get/update/patch this type");
  }
  if (!reaches(node, "claim", attributes)) {
    return no_opinion("no relationship found between node '" + std::string(node) +
                      "' and this object");
  }
  return kAllowed;
}

Verdict NodeAuthorizer::authorize_account(std::string_view node,
                                          const Attributes& attributes) const {
  bool token = attributes.verb == "create" && attributes.subresource == "token";
  bool get = attributes.verb == "get" && attributes.subresource.empty();
  if (!token && !get) {
    return no_opinion("can only get individual service accounts or create service account tokens");
  }
  if (attributes.name.empty() || !reaches(node, "serviceaccount", attributes)) {
    return no_opinion("no relationship found between node '" + std::string(node) +
                      "' and this object");
  }
  return kAllowed;
}

Verdict NodeAuthorizer::authorize_lease(std::string_view node, const Attributes& attributes) const {
  if (!is_one_of(attributes.verb, {"get", "create", "update", "patch", "delete"})) {
    return no_opinion("can only get, create, update, patch, or delete a node lease");
  }
  if (attributes.ns != kLeaseNamespace) {
    return no_opinion("can only access leases in the \"kube-node-lease\" system namespace");
  }
  // A create's name stands in its body: NodeRestriction looks at that.
  if (attributes.verb != "create" && attributes.name != node) {
    return no_opinion("can only access node lease with the same name as the requesting node");
  }
  return kAllowed;
}

Verdict NodeAuthorizer::authorize_csi_node(std::string_view node,
                                           const Attributes& attributes) const {
  if (!is_one_of(attributes.verb, {"get", "create", "update", "patch", "delete"})) {
    return no_opinion("can only get, create, update, patch, or delete a CSINode");
  }
  if (!attributes.subresource.empty()) return no_opinion("cannot authorize CSINode subresources");
  if (attributes.verb != "create" && attributes.name != node) {
    return no_opinion("can only access CSINode with the same name as the requesting node");
  }
  return kAllowed;
}

Verdict NodeAuthorizer::authorize_slice(std::string_view node, const Attributes& attributes) const {
  if (!attributes.subresource.empty()) {
    return no_opinion("cannot authorize ResourceSlice subresources");
  }
  if (attributes.verb == "create") return kAllowed;
  if (is_one_of(attributes.verb, {"get", "update", "patch", "delete"})) {
    ObjectPtr object = lookup_.get("resource.k8s.io", "resourceslices", "", attributes.name);
    const Value& owner =
        object ? schema::find_path(object->type(), object->root(), {"spec", "nodeName"})
               : kNullValue;
    if (object && owner.as_text() == node) return kAllowed;
    return no_opinion("no relationship found between node '" + std::string(node) +
                      "' and this object");
  }
  if (is_one_of(attributes.verb, {"list", "watch", "deletecollection"})) {
    if (selects(attributes.field_selector, "spec.nodeName", node)) return kAllowed;
    return no_opinion(
        "can only list/watch/deletecollection resourceslices with nodeName field "
        "selector");
  }
  return no_opinion(
      "only the following verbs are allowed for a ResourceSlice: [get watch list "
      "create update patch delete deletecollection]");
}

Verdict NodeAuthorizer::authorize_node(std::string_view node, const Attributes& attributes) const {
  bool write = is_one_of(attributes.verb, {"update", "patch"});
  if (attributes.subresource == "status" && write) return kAllowed;
  if (!attributes.subresource.empty()) return {};
  if (write || attributes.verb == "create") return kAllowed;  // NodeRestriction looks closer
  if (!is_one_of(attributes.verb, {"get", "list", "watch"})) return {};
  if (attributes.name == node || selects(attributes.field_selector, "metadata.name", node)) {
    return kAllowed;
  }
  std::string start = "node '" + std::string(node) + "' cannot read ";
  if (attributes.name.empty()) return no_opinion(start + "all nodes, only its own Node object");
  return no_opinion(start + "'" + attributes.name + "', only its own Node object");
}

Verdict NodeAuthorizer::authorize_pod(std::string_view node, const Attributes& attributes) const {
  if (attributes.subresource == "status") {
    return is_one_of(attributes.verb, {"update", "patch"}) ? kAllowed : Verdict();
  }
  if (attributes.subresource == "eviction") {
    return attributes.verb == "create" ? kAllowed : Verdict();
  }
  if (!attributes.subresource.empty()) return {};
  if (attributes.verb == "get") return authorize_get(node, "pod", attributes);
  if (is_one_of(attributes.verb, {"list", "watch"})) {
    if (selects(attributes.field_selector, "spec.nodeName", node)) return kAllowed;
    return no_opinion("can only list/watch pods with spec.nodeName field selector");
  }
  // Mirror pods; NodeRestriction looks closer.
  return is_one_of(attributes.verb, {"create", "delete"}) ? kAllowed : Verdict();
}

}  // namespace tiphys::apiserver
