// NodeRestriction: what a kubelet writes must concern its own node and the pods bound to it.
// Upstream: plugin/pkg/admission/noderestriction (KEP-279; CVE-2025-5187: owner references).
#include "apiserver/admission/node_restriction.h"

#include <set>

#include "apiserver/admission/node_labels.h"
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/authz/node.h"
#include "base/strings.h"
#include "kinds/authentication_v1.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"
#include "kinds/pod_references.h"

namespace tiphys::apiserver {
namespace {

using core_v1::Pod;

constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
constexpr std::string_view kLeaseNamespace = "kube-node-lease";

std::string node_text(std::string_view node) { return "node " + go_quote(node); }

bool same_owners(const meta_v1::ObjectMeta& a, const meta_v1::ObjectMeta& b) {
  auto x = a.owner_references();
  auto y = b.owner_references();
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); i++) {
    if (!equal(x[i], y[i])) return false;
  }
  return true;
}

// The claims that a pod's status names, in any order.
std::multiset<std::pair<std::string_view, std::string_view>> claims_given(const Pod& pod) {
  std::multiset<std::pair<std::string_view, std::string_view>> claims;
  for (core_v1::PodResourceClaimStatus status : pod.status().resource_claim_statuses()) {
    claims.emplace(status.name(), status.resource_claim_name());
  }
  return claims;
}

bool same_labels(const MapView<std::string_view>& a, const MapView<std::string_view>& b) {
  if (a.size() != b.size()) return false;
  for (const auto& entry : a) {
    if (!b.contains(entry.key) || b.find(entry.key) != entry.value) return false;
  }
  return true;
}

bool same_taints(const core_v1::Node& a, const core_v1::Node& b) {
  auto x = a.spec().taints();
  auto y = b.spec().taints();
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); i++) {
    if (!equal(x[i], y[i])) return false;
  }
  return true;
}

class NodeRestriction : public PlainPlugin {
 public:
  explicit NodeRestriction(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "NodeRestriction"; }

 protected:
  Result<void> check(const AdmissionRequest& request) override {
    auto node = node_of(*request.user);
    if (!node) return {};
    if (node->empty())
      return denied(request, "could not determine node from user " + go_quote(request.user->name));
    std::string why = why_not(request, *node);
    if (!why.empty()) return denied(request, why);
    return {};
  }

 private:
  // Why the node may not; "" if it may.
  std::string why_not(const AdmissionRequest& request, std::string_view node) const {
    const schema::Resource& resource = *request.resource;
    if (resource.group.empty() && resource.resource == "pods") return check_pod(request, node);
    if (resource.group.empty() && resource.resource == "nodes") return check_node(request, node);
    if (resource.group == "coordination.k8s.io" && resource.resource == "leases") {
      return check_lease(request, node);
    }
    if (resource.group == "storage.k8s.io" && resource.resource == "csinodes") {
      bool own = written_name(request) == node;
      return own ? "" : "can only access CSINode with the same name as the requesting node";
    }
    if (resource.group == "resource.k8s.io" && resource.resource == "resourceslices") {
      return check_slice(request, node);
    }
    return {};
  }

  static std::string written_name(const AdmissionRequest& request) {
    if (!request.name.empty() || !request.object) return request.name;
    auto field = static_cast<uint16_t>(request.object->type().metadata_field);
    return std::string(meta_v1::ObjectMeta(request.object->root().field(field).as_node()).name());
  }

  std::string check_pod(const AdmissionRequest& request, std::string_view node) const {
    if (request.subresource.empty()) {
      if (is_create(request)) return check_new_pod(request, node);
      if (is_delete(request)) {
        bool own = request.old_object && Pod(*request.old_object).spec().node_name() == node;
        return own ? ""
                   : node_text(node) + " can only delete pods with spec.nodeName set to itself";
      }
      return "unexpected operation on pods by " + node_text(node);
    }
    if (request.subresource == "status") return check_pod_status(request, node);
    if (request.subresource == "eviction") {
      ObjectPtr pod = lookup_.get("", "pods", request.ns, request.name);
      // An absent pod is the handler's to answer.
      bool own = !pod || Pod(*pod).spec().node_name() == node;
      return own ? "" : node_text(node) + " can only evict pods with spec.nodeName set to itself";
    }
    return "unexpected pod subresource " + go_quote(request.subresource);
  }

  std::string check_new_pod(const AdmissionRequest& request, std::string_view node) const {
    Pod pod(*request.object);
    if (!pod.metadata().annotations().contains(kMirrorAnnotation)) {
      return "pod does not have " + go_quote(kMirrorAnnotation) + " annotation, " +
             node_text(node) + " can only create mirror pods";
    }
    if (pod.spec().node_name() != node) {
      return node_text(node) + " can only create pods with spec.nodeName set to itself";
    }
    if (std::string why = check_pod_owner(pod, node); !why.empty()) return why;
    std::string start = node_text(node) + " can not create pods that reference ";
    if (!pod.spec().service_account_name().empty()) return start + "a service account";
    kinds::PodReferences references = kinds::references_of(pod);
    if (!references.secrets.empty()) return start + "secrets";
    if (!references.config_maps.empty()) return start + "configmaps";
    if (!references.claims.empty()) return start + "persistentvolumeclaims";
    if (!references.resource_claims.empty() || !pod.spec().resource_claims().empty()) {
      return start + "resourceclaims";  // CVE-2025-4563
    }
    for (const auto& volume : pod.spec().volumes()) {
      for (const auto& source : volume.projected().sources()) {
        if (source.has_service_account_token()) return start + "a service account token";
      }
    }
    return {};
  }

  std::string check_pod_owner(const Pod& pod, std::string_view node) const {
    auto owners = pod.metadata().owner_references();
    if (owners.size() > 1) {
      return node_text(node) + " can only create pods with a single owner reference set to itself";
    }
    bool own = owners.size() == 1 && owners[0].api_version() == "v1" &&
               owners[0].kind() == "Node" && owners[0].name() == node;
    if (!own)
      return node_text(node) + " can only create pods with an owner reference set to itself";
    if (!owners[0].controller()) {
      return node_text(node) +
             " can only create pods with a controller owner reference set to itself";
    }
    if (owners[0].block_owner_deletion()) {
      return node_text(node) + " must not set blockOwnerDeletion on an owner reference";
    }
    ObjectPtr object = lookup_.get("", "nodes", "", node);
    if (!object) return "looking up node " + std::string(node) + " to validate uid: not found";
    if (uid_of(*object) != owners[0].uid()) {
      return node_text(node) + " UID mismatch: expected " + std::string(uid_of(*object)) + " got " +
             std::string(owners[0].uid());
    }
    return {};
  }

  std::string check_pod_status(const AdmissionRequest& request, std::string_view node) const {
    if (!is_update(request) || !request.old_object) return "unexpected operation on pods/status";
    Pod old(*request.old_object);
    Pod now(*request.object);
    if (old.spec().node_name() != node) {
      return node_text(node) +
             " can only update pod status for pods with spec.nodeName set to itself";
    }
    if (!same_labels(now.metadata().labels(), old.metadata().labels())) {
      return node_text(node) + " cannot update labels through pod status";
    }
    if (claims_given(now) != claims_given(old)) {
      return node_text(node) + " cannot update resource claim statuses";
    }
    return {};
  }

  std::string check_node(const AdmissionRequest& request, std::string_view node) const {
    std::string requested = written_name(request);
    if (requested != node) {
      return node_text(node) + " is not allowed to modify node " + go_quote(requested);
    }
    if (is_create(request)) {
      core_v1::Node now(*request.object);
      std::string labels = forbidden_label_changes(now.metadata().labels(), {});
      if (!labels.empty()) {
        return node_text(node) + " is not allowed to set the following labels: " + labels;
      }
      if (!now.metadata().owner_references().empty()) {
        return node_text(node) + " is not allowed to set ownerReferences";
      }
      return {};
    }
    if (!is_update(request) || !request.old_object) return {};
    core_v1::Node now(*request.object);
    core_v1::Node old(*request.old_object);
    std::string labels = forbidden_label_changes(now.metadata().labels(), old.metadata().labels());
    if (!labels.empty()) return node_text(node) + " is not allowed to modify labels: " + labels;
    // By a node's own hand a taint could only be there to keep or to let in what it shouldn't.
    if (request.subresource.empty() && !same_taints(now, old)) {
      return node_text(node) + " is not allowed to modify taints";
    }
    if (!same_owners(now.metadata(), old.metadata())) {
      return node_text(node) + " is not allowed to modify ownerReferences";
    }
    return {};
  }

  static std::string check_lease(const AdmissionRequest& request, std::string_view node) {
    if (request.ns != kLeaseNamespace) {
      return "can only access leases in the " + go_quote(kLeaseNamespace) + " system namespace";
    }
    bool own = written_name(request) == node;
    return own ? "" : "can only access node lease with the same name as the requesting node";
  }

  static std::string check_slice(const AdmissionRequest& request, std::string_view node) {
    if (!is_create(request)) return {};
    const Value& owner =
        schema::find_path(request.object->type(), request.object->root(), {"spec", "nodeName"});
    return owner.as_text() == node ? ""
                                   : "can only create ResourceSlice with the same NodeName as "
                                     "the requesting node";
  }

  const Lookup& lookup_;
};

}  // namespace

Result<void> check_node_token_request(const UserInfo& user, std::string_view ns,
                                      std::string_view account, const Draft& token_request,
                                      const Lookup& lookup) {
  auto node = node_of(user);
  if (!node) return {};
  auto refused = [&](std::string_view why) {
    return ApiStatus::forbidden("", "serviceaccounts", account, why);
  };
  authentication_v1::TokenRequest request(token_request);
  auto reference = request.spec().bound_object_ref();
  if (!request.spec().has_bound_object_ref() || reference.api_version() != "v1" ||
      reference.kind() != "Pod" || reference.name().empty()) {
    return refused("node requested token not bound to a pod");
  }
  if (reference.uid().empty()) {
    return refused("node requested token with a pod binding without a uid");
  }
  ObjectPtr pod = lookup.get("", "pods", ns, reference.name());
  if (!pod) return ApiStatus::not_found("", "pods", reference.name());
  if (uid_of(*pod) != reference.uid()) {
    return refused("the UID in the bound object reference (" + std::string(reference.uid()) +
                   ") does not match the UID in record. The object might have been deleted and "
                   "then recreated");
  }
  if (Pod(*pod).spec().node_name() != *node) {
    return refused("node requested token bound to a pod scheduled on a different node");
  }
  return {};
}

std::unique_ptr<AdmissionPlugin> make_node_restriction(const AdmissionParts& parts) {
  return std::make_unique<NodeRestriction>(*parts.lookup);
}

}  // namespace tiphys::apiserver
