// Escalation checks of written roles and bindings, see authz/escalation.h.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/authz/escalation.h"
#include "base/strings.h"
#include "kinds/metadata.h"

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
  Result<void> check(const AdmissionRequest& request) override {
    if (request.resource->group != kGroup || !request.subresource.empty()) return {};
    if (!is_create(request) && !is_update(request)) return {};
    if (request.user->in_group(kSystemMasters)) return {};
    std::string_view resource = request.resource->resource;
    if (resource == "roles" || resource == "clusterroles") return check_role(request);
    if (resource == "rolebindings" || resource == "clusterrolebindings") {
      return check_binding(request);
    }
    return {};
  }

 private:
  std::string name_of_object(const AdmissionRequest& request) const {
    if (!request.name.empty()) return request.name;
    auto field = static_cast<uint16_t>(request.object->type().metadata_field);
    return std::string(meta_v1::ObjectMeta(request.object->root().field(field).as_node()).name());
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

  Result<void> check_role(const AdmissionRequest& request) const {
    bool cluster = request.resource->resource == "clusterroles";
    const Node& root = request.object->root();
    std::vector<Rule> rules = rules_of(root, cluster);
    bool aggregates = cluster && ClusterRole(root).has_aggregation_rule();
    if (is_update(request) && request.old_object) {
      const Node& old = request.old_object->root();
      bool same = rules == rules_of(old, cluster);
      if (cluster) {
        same = same &&
               equal(ClusterRole(root).aggregation_rule(), ClusterRole(old).aggregation_rule());
      }
      if (same) return {};
    }
    std::string role = name_of_object(request);
    std::string_view resource = request.resource->resource;
    if (may(request, "escalate", resource, role)) return {};
    if (aggregates &&
        !check_no_escalation(rbac_, *request.user, "", resource, role, everything())) {
      return ApiStatus::forbidden(kGroup, resource, role,
                                  "must have cluster-admin privileges to use an aggregationRule");
    }
    return check_no_escalation(rbac_, *request.user, request.ns, resource, role, rules);
  }

  Result<void> check_binding(const AdmissionRequest& request) const {
    bool cluster = request.resource->resource == "clusterrolebindings";
    auto role_ref = [&](const Node& root) {
      return cluster ? ClusterRoleBinding(root).role_ref() : RoleBinding(root).role_ref();
    };
    auto subjects = [&](const Node& root) {
      return cluster ? ClusterRoleBinding(root).subjects() : RoleBinding(root).subjects();
    };
    const Node& root = request.object->root();
    if (is_update(request) && request.old_object) {
      const Node& old = request.old_object->root();
      Value a = Value::of_node(ValueType::kList, const_cast<Node*>(&subjects(root).node()));
      Value b = Value::of_node(ValueType::kList, const_cast<Node*>(&subjects(old).node()));
      if (equal(role_ref(root), role_ref(old)) && equal(a, b)) return {};
    }
    auto reference = role_ref(root);
    bool to_role = reference.kind() == "Role";
    std::string_view roles = to_role ? "roles" : "clusterroles";
    if (may(request, "bind", roles, reference.name())) return {};
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
