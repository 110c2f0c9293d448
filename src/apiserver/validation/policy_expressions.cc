#include "apiserver/validation/policy_expressions.h"

#include <span>
#include <unordered_map>

#include "cel/compile.h"

namespace tiphys::apiserver {
namespace {

using cel::Environment;
using cel::Type;
using cel::TypeKind;

#define AUTHZ "kubernetes.authorization."
constexpr std::string_view kVariables = "kubernetes.variables";

struct ObjectField {
  std::string_view object;
  std::string_view field;
  std::string_view type;
};

// What `request` and `namespaceObject` have.
constexpr ObjectField kFields[] = {
    {"kubernetes.GroupVersionKind", "group", "string"},
    {"kubernetes.GroupVersionKind", "version", "string"},
    {"kubernetes.GroupVersionKind", "kind", "string"},
    {"kubernetes.GroupVersionResource", "group", "string"},
    {"kubernetes.GroupVersionResource", "version", "string"},
    {"kubernetes.GroupVersionResource", "resource", "string"},
    {"kubernetes.UserInfo", "username", "string"},
    {"kubernetes.UserInfo", "uid", "string"},
    {"kubernetes.UserInfo", "groups", "list(string)"},
    {"kubernetes.UserInfo", "extra", "map(string, list(string))"},
    {"kubernetes.AdmissionRequest", "kind", "kubernetes.GroupVersionKind"},
    {"kubernetes.AdmissionRequest", "resource", "kubernetes.GroupVersionResource"},
    {"kubernetes.AdmissionRequest", "subResource", "string"},
    {"kubernetes.AdmissionRequest", "requestKind", "kubernetes.GroupVersionKind"},
    {"kubernetes.AdmissionRequest", "requestResource", "kubernetes.GroupVersionResource"},
    {"kubernetes.AdmissionRequest", "requestSubResource", "string"},
    {"kubernetes.AdmissionRequest", "name", "string"},
    {"kubernetes.AdmissionRequest", "namespace", "string"},
    {"kubernetes.AdmissionRequest", "operation", "string"},
    {"kubernetes.AdmissionRequest", "userInfo", "kubernetes.UserInfo"},
    {"kubernetes.AdmissionRequest", "dryRun", "bool"},
    {"kubernetes.AdmissionRequest", "options", "dyn"},
    {"kubernetes.NamespaceSpec", "finalizers", "list(string)"},
    {"kubernetes.NamespaceCondition", "status", "string"},
    {"kubernetes.NamespaceCondition", "type", "string"},
    {"kubernetes.NamespaceCondition", "lastTransitionTime", "timestamp"},
    {"kubernetes.NamespaceCondition", "message", "string"},
    {"kubernetes.NamespaceCondition", "reason", "string"},
    {"kubernetes.NamespaceStatus", "conditions", "list(kubernetes.NamespaceCondition)"},
    {"kubernetes.NamespaceStatus", "phase", "string"},
    {"kubernetes.NamespaceMetadata", "name", "string"},
    {"kubernetes.NamespaceMetadata", "generateName", "string"},
    {"kubernetes.NamespaceMetadata", "namespace", "string"},
    {"kubernetes.NamespaceMetadata", "labels", "map(string, string)"},
    {"kubernetes.NamespaceMetadata", "annotations", "map(string, string)"},
    {"kubernetes.NamespaceMetadata", "UID", "string"},
    {"kubernetes.NamespaceMetadata", "creationTimestamp", "timestamp"},
    {"kubernetes.NamespaceMetadata", "deletionGracePeriodSeconds", "int"},
    {"kubernetes.NamespaceMetadata", "deletionTimestamp", "timestamp"},
    {"kubernetes.NamespaceMetadata", "generation", "int"},
    {"kubernetes.NamespaceMetadata", "resourceVersion", "string"},
    {"kubernetes.NamespaceMetadata", "finalizers", "list(string)"},
    {"kubernetes.Namespace", "metadata", "kubernetes.NamespaceMetadata"},
    {"kubernetes.Namespace", "spec", "kubernetes.NamespaceSpec"},
    {"kubernetes.Namespace", "status", "kubernetes.NamespaceStatus"},
};

void add_authorizer(Environment& environment) {
  cel::TypeTable& types = environment.types();
  environment.add_variable("authorizer", types.object(AUTHZ "Authorizer"));
  environment.add_variable("authorizer.requestResource", types.object(AUTHZ "ResourceCheck"));
}

// A variable's type as an environment keeps it: what has no plain form is dyn. Each type in it is
// looked at once: as a tree it may be exponentially larger.
class KeptTypes {
 public:
  explicit KeptTypes(cel::TypeTable& types) : types_(types) {}

  const Type* keep(const Type& type) {
    auto known = kept_.find(&type);
    if (known != kept_.end()) return known->second;
    const Type* kept = make(type);
    kept_[&type] = kept;
    return kept;
  }

 private:
  const Type* make(const Type& type) {
    if (type.kind == TypeKind::kList) return types_.list(keep(*type.params[0]));
    if (type.kind == TypeKind::kMap) {
      return types_.map(keep(*type.params[0]), keep(*type.params[1]));
    }
    bool plain = type.kind != TypeKind::kError && type.kind <= TypeKind::kTimestamp;
    return types_.simple(plain ? type.kind : TypeKind::kDyn);
  }

  cel::TypeTable& types_;
  std::unordered_map<const Type*, const Type*> kept_;
};

std::span<const TypeKind> wanted(ExpressionUse use) {
  static constexpr TypeKind kBool[] = {TypeKind::kBool};
  static constexpr TypeKind kText[] = {TypeKind::kString, TypeKind::kNull};
  switch (use) {
    case ExpressionUse::kVariable:
      return {};
    case ExpressionUse::kMessage:
      return std::span(kText).first(1);
    case ExpressionUse::kAuditAnnotation:
      return kText;
    default:
      return kBool;
  }
}

std::string check_result(std::span<const TypeKind> kinds, const Type& type,
                         const Environment& environment) {
  if (kinds.empty()) return "";
  std::string names;
  for (TypeKind kind : kinds) {
    if (type.kind == kind) return "";
    if (!names.empty()) names += ' ';
    names += declared_text(*environment.types().simple(kind));
  }
  if (kinds.size() > 1) names = "one of [" + names + "]";
  return "must evaluate to " + names + " but got " + declared_text(type);
}

std::string failure(const cel::Compiled& compiled) {
  return "compilation failed: " + compiled.issues;
}

}  // namespace

PolicyExpressions::PolicyExpressions(bool has_params, bool composed)
    : common_(&cel::kubernetes_environment()),
      conditions_(&common_),
      messages_(&common_),
      validations_(&common_) {
  cel::TypeTable& types = common_.types();
  for (const ObjectField& row : kFields) common_.declare_field(row.object, row.field, row.type);
  const Type* dyn = types.simple(TypeKind::kDyn);
  common_.add_variable("object", dyn);
  common_.add_variable("oldObject", dyn);
  common_.add_variable("namespaceObject", types.object("kubernetes.Namespace"));
  common_.add_variable("request", types.object("kubernetes.AdmissionRequest"));
  if (has_params) common_.add_variable("params", dyn);
  add_authorizer(conditions_);
  add_authorizer(validations_);
  if (!composed) return;
  messages_.add_variable("variables", messages_.add_object(kVariables, {}));
  validations_.add_variable("variables", validations_.add_object(kVariables, {}));
}

std::string PolicyExpressions::check(ExpressionUse use, std::string_view expression) {
  const Environment& environment = use == ExpressionUse::kMatchCondition ? conditions_
                                   : use == ExpressionUse::kMessage      ? messages_
                                                                         : validations_;
  cel::Compiled compiled = cel::compile(expression, environment);
  if (!compiled.program) return failure(compiled);
  return check_result(wanted(use), compiled.program->result(), environment);
}

std::string PolicyExpressions::add_variable(std::string_view name, std::string_view expression) {
  cel::Compiled compiled = cel::compile(expression, validations_);
  for (Environment* environment : {&messages_, &validations_}) {
    cel::TypeTable& types = environment->types();
    const Type* type = compiled.program ? KeptTypes(types).keep(compiled.program->result())
                                        : types.simple(TypeKind::kDyn);
    environment->add_object(kVariables, {{std::string(name), type}});
  }
  return compiled.program ? "" : failure(compiled);
}

}  // namespace tiphys::apiserver
