// Escalation checks of written roles and bindings, see authz/escalation.h.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/authz/escalation.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using rbac_v1::ClusterRole;
using rbac_v1::ClusterRoleBinding;
using rbac_v1::Role;
using rbac_v1::RoleBinding;

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

const std::vector<Rule>& everything() {
  static const std::vector<Rule> kAll{{{"*"}, {"*"}, {"*"}, {}, {}}, {{"*"}, {}, {}, {}, {"*"}}};
  return kAll;
}

class RbacEscalation : public PlainPlugin {
 public:
  RbacEscalation(const Lookup& lookup, Authorizer* authorizer, const RbacAuthorizer& rbac)
      : lookup_(lookup), authorizer_(authorizer), rbac_(rbac) {}
  std::string_view name() const override { return "RBACEscalation"; }

 protected:
  // Before validation, as upstream's storage does it: after all other plugins' changes.
  Result<void> change(AdmissionRequest& request) override {
    if (request.resource->group != kGroup || !request.subresource.empty()) return {};
    if (!is_create(request) && !is_update(request)) return {};
    if (request.user->in_group(kSystemMasters)) return {};
    if (is_update(request) && is_for_collector(*request.object, *request.old_object)) return {};
    std::string_view resource = request.resource->resource;
    if (resource == "roles" || resource == "clusterroles") return check_role(request);
    if (resource == "rolebindings" || resource == "clusterrolebindings") {
      return check_binding(request);
    }
    return {};
  }

 private:
  // Nothing differs but what the garbage collector writes.
  static bool is_for_collector(const Draft& now, const Object& old) {
    Draft copy = now.clone();
    for (const char* field : {"ownerReferences", "finalizers", "managedFields", "selfLink"}) {
      MetaEdit(copy).copy(field, MetaView(old));
    }
    return equal(View(copy), View(old));
  }

  static std::string name_of_object(const AdmissionRequest& request) {
    return std::string(MetaView(*request.object).name());
  }

  bool may(const AdmissionRequest& request, const char* verb, std::string_view resource,
           std::string_view name) const {
    if (!authorizer_) return true;
    Attributes attributes;
    attributes.is_resource = true;
    attributes.verb = verb;
    attributes.group = kGroup;
    attributes.version = "*";
    attributes.resource = resource;
    attributes.ns = request.ns;
    attributes.name = name;
    return authorizer_->authorize(*request.user, attributes).decision == Decision::kAllow;
  }

  static std::vector<Rule> rules_of(const Node& root, bool cluster) {
    std::vector<Rule> rules;
    auto list = cluster ? ClusterRole(root).rules() : Role(root).rules();
    for (const auto& rule : list) rules.push_back(Rule::of(rule));
    return rules;
  }

  static bool aggregates(const Node& role) {
    return !ClusterRole(role).aggregation_rule().cluster_role_selectors().empty();
  }

  Result<void> check_role(const AdmissionRequest& request) const {
    bool cluster = request.resource->resource == "clusterroles";
    const Node& root = request.object->root();
    std::string_view resource = request.resource->resource;
    std::string name = name_of_object(request);
    if (may(request, "escalate", resource, is_create(request) ? "" : name)) return {};
    auto held = check_no_escalation(rbac_, *request.user, request.ns, resource, name,
                                    rules_of(root, cluster));
    if (!held || !cluster) return held;
    // What gathers other roles can come to anything, and what gathered can be made to stop.
    bool gathers = aggregates(root);
    if (is_update(request)) gathers = gathers || aggregates(request.old_object->root());
    if (!gathers) return {};
    if (check_no_escalation(rbac_, *request.user, "", resource, name, everything())) return {};
    return ApiStatus::forbidden(kGroup, resource, name,
                                "must have cluster-admin privileges to use the aggregationRule");
  }

  Result<void> check_binding(const AdmissionRequest& request) const {
    bool cluster = request.resource->resource == "clusterrolebindings";
    const Node& root = request.object->root();
    auto reference = cluster ? ClusterRoleBinding(root).role_ref() : RoleBinding(root).role_ref();
    bool to_role = reference.kind() == "Role";
    std::string_view roles = to_role ? "roles" : "clusterroles";
    bool known = to_role || reference.kind() == "ClusterRole";
    if (!known) {
      return ApiStatus::internal("unsupported role reference kind: " + go_quote(reference.kind()));
    }
    if (!reference.name().empty() && may(request, "bind", roles, reference.name())) return {};
    ObjectPtr role = lookup_.get(kGroup, roles, to_role ? request.ns : "", reference.name());
    if (!role) return ApiStatus::not_found(kGroup, roles, reference.name());
    return check_no_escalation(rbac_, *request.user, request.ns, request.resource->resource,
                               name_of_object(request), rules_of(role->root(), !to_role));
  }

  const Lookup& lookup_;
  Authorizer* authorizer_;
  const RbacAuthorizer& rbac_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_rbac_escalation(const AdmissionParts& parts) {
  return std::make_unique<RbacEscalation>(*parts.lookup, parts.authorizer, *parts.rbac);
}

}  // namespace tiphys::apiserver
