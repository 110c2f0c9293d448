#include "apiserver/reviews/access_reviews.h"

#include "apiserver/authz/node.h"
#include "apiserver/registry/field_error.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/authorization_v1.h"
#include "object/selector.h"

namespace tiphys::apiserver {
namespace {

using authorization_v1::LocalSubjectAccessReview;
using authorization_v1::LocalSubjectAccessReviewEdit;
using authorization_v1::NonResourceAttributes;
using authorization_v1::ResourceAttributes;
using authorization_v1::SelfSubjectAccessReview;
using authorization_v1::SelfSubjectAccessReviewEdit;
using authorization_v1::SelfSubjectRulesReview;
using authorization_v1::SelfSubjectRulesReviewEdit;
using authorization_v1::SubjectAccessReview;
using authorization_v1::SubjectAccessReviewEdit;
using authorization_v1::SubjectAccessReviewSpec;
using authorization_v1::SubjectAccessReviewStatusEdit;

constexpr std::string_view kGroup = "authorization.k8s.io";

std::string requirement_text(std::string_view key, std::string_view op,
                             const ListView<std::string_view>& values) {
  if (op == "In" && values.size() == 1) return std::string(key) + "=" + std::string(values[0]);
  if (op == "NotIn" && values.size() == 1) return std::string(key) + "!=" + std::string(values[0]);
  if (op == "Exists") return std::string(key);
  if (op == "DoesNotExist") return "!" + std::string(key);
  std::string out = std::string(key) + (op == "In" ? " in (" : " notin (");
  for (size_t i = 0; i < values.size(); i++) {
    if (i > 0) out += ',';
    out += values[i];
  }
  return out + ")";
}

template <class Selector>
std::string selector_text(const Selector& selector) {
  if (!selector.raw_selector().empty()) return std::string(selector.raw_selector());
  std::string out;
  for (const auto& requirement : selector.requirements()) {
    if (!out.empty()) out += ',';
    out += requirement_text(requirement.key(), requirement.operator_(), requirement.values());
  }
  return out;
}

Attributes of_resource(const ResourceAttributes& wanted) {
  Attributes attributes;
  attributes.is_resource = true;
  attributes.verb = wanted.verb();
  attributes.group = wanted.group();
  attributes.version = wanted.version();
  attributes.resource = wanted.resource();
  attributes.subresource = wanted.subresource();
  attributes.ns = wanted.namespace_();
  attributes.name = wanted.name();
  attributes.field_selector = selector_text(wanted.field_selector());
  attributes.label_selector = selector_text(wanted.label_selector());
  return attributes;
}

Attributes of_path(const NonResourceAttributes& wanted) {
  Attributes attributes;
  attributes.verb = wanted.verb();
  attributes.path = wanted.path();
  return attributes;
}

template <class Spec>
Attributes attributes_of(const Spec& spec) {
  return spec.has_resource_attributes() ? of_resource(spec.resource_attributes())
                                        : of_path(spec.non_resource_attributes());
}

// As Go's JSON of the internal type.
std::string text_of(const NonResourceAttributes& wanted) {
  return "{\"Path\":" + go_quote(wanted.path()) + ",\"Verb\":" + go_quote(wanted.verb()) + "}";
}

void check_values(const FieldPath& path, std::string_view op, size_t values, FieldErrors& errors) {
  bool takes = op == "In" || op == "NotIn";
  if (takes && values == 0) {
    errors.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
  }
  if ((op == "Exists" || op == "DoesNotExist") && values > 0) {
    errors.forbidden(path.child("values"),
                     "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  }
}

void check_key(const FieldPath& path, const meta_v1::FieldSelectorRequirement& requirement,
               FieldErrors& errors) {
  if (requirement.key().empty()) errors.required(path.child("key"), "must be specified");
}

void check_key(const FieldPath& path, const meta_v1::LabelSelectorRequirement& requirement,
               FieldErrors& errors) {
  for (const std::string& problem : label_key_problems(requirement.key())) {
    errors.invalid(path.child("key"), requirement.key(), problem);
  }
  for (size_t i = 0; i < requirement.values().size(); ++i) {
    for (const std::string& problem : label_value_problems(requirement.values()[i])) {
      errors.invalid(path.child("values").index(i), requirement.values()[i], problem);
    }
  }
}

// Operators that nobody here knows are let through: newer clients may.
template <class Selector>
void check_selector(const FieldPath& path, const Selector& selector, FieldErrors& errors) {
  bool raw = !selector.raw_selector().empty();
  if (raw && !selector.requirements().empty()) {
    errors.invalid(path.child("rawSelector"), selector.raw_selector(),
                   "may not specified at the same time as requirements");
  }
  if (!raw && selector.requirements().empty()) {
    errors.required(
        path.child("requirements"),
        "when " + path.text() + " is specified, requirements or rawSelector is required");
  }
  for (size_t i = 0; i < selector.requirements().size(); ++i) {
    auto requirement = selector.requirements()[i];
    FieldPath at = path.child("requirements").index(i);
    check_key(at, requirement, errors);
    check_values(at, requirement.operator_(), requirement.values().size(), errors);
  }
}

void check_selectors(const ResourceAttributes& wanted, FieldErrors& errors) {
  FieldPath path("spec.resourceAttributes");
  if (wanted.has_field_selector()) {
    check_selector(path.child("fieldSelector"), wanted.field_selector(), errors);
  }
  if (wanted.has_label_selector()) {
    check_selector(path.child("labelSelector"), wanted.label_selector(), errors);
  }
}

// What both the subject's and one's own review demand: exactly one of the two.
template <class Spec>
void check_attributes(const Spec& spec, FieldErrors& errors) {
  FieldPath path("spec");
  bool resource = spec.has_resource_attributes();
  bool other = spec.has_non_resource_attributes();
  if (resource && other) {
    errors.invalid_raw(path.child("nonResourceAttributes"), text_of(spec.non_resource_attributes()),
                       "cannot be specified in combination with resourceAttributes");
  }
  if (!resource && !other) {
    errors.invalid_raw(path.child("resourceAttributes"), "null",
                       "exactly one of nonResourceAttributes or resourceAttributes must be "
                       "specified");
  }
}

template <class Spec>
void check_own(const Spec& spec, FieldErrors& errors) {
  check_attributes(spec, errors);
  if (spec.has_resource_attributes()) check_selectors(spec.resource_attributes(), errors);
}

void check_subject(const SubjectAccessReviewSpec& spec, FieldErrors& errors) {
  check_attributes(spec, errors);
  if (spec.user().empty() && spec.groups().empty()) {
    errors.invalid(FieldPath("spec").child("user"), spec.user(),
                   "at least one of user or group must be specified");
  }
  if (spec.has_resource_attributes()) check_selectors(spec.resource_attributes(), errors);
}

// Reviews have no name, no labels; managed fields are the server's own.
void check_metadata(const Draft& object, bool namespaced, FieldErrors& errors) {
  Draft copy = object.clone();
  MetaEdit edit(copy);
  edit.clear("managedFields");
  if (namespaced) edit.clear("namespace");
  if (MetaView(copy).node().size == 0) return;
  MetaView metadata(object);
  std::string text;
  codec::encode_json(*metadata.type(), metadata.node(), text);
  errors.invalid_raw(FieldPath("metadata"), text,
                     namespaced ? "must be empty except for namespace" : "must be empty");
}

// The kind is missing, as in upstream's: its internal objects don't know theirs.
Result<void> outcome(FieldErrors& errors) {
  if (errors.empty()) return {};
  return ApiStatus::invalid(kGroup, "", "", errors.take());
}

UserInfo subject_of(const SubjectAccessReviewSpec& spec) {
  UserInfo user;
  user.name = spec.user();
  user.uid = spec.uid();
  for (std::string_view group : spec.groups()) user.groups.emplace_back(group);
  for (const auto& entry : spec.extra()) {
    auto& values = user.extra[to_lower(entry.key)];
    for (std::string_view value : entry.value) values.emplace_back(value);
  }
  return user;
}

void fill(SubjectAccessReviewStatusEdit status, const Verdict& verdict) {
  status.set_allowed(verdict.decision == Decision::kAllow);
  status.set_denied(verdict.decision == Decision::kDeny);
  status.set_reason(verdict.reason);
}

void add_list(ListEdit<std::string_view> list, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) list.append(text);
}

// Without RBAC, system:masters may do everything; with it, a binding says so.
std::vector<Rule> rules_of(const ReviewParts& parts, const UserInfo& user, std::string_view ns,
                           std::vector<std::string>* errors) {
  std::vector<Rule> rules;
  if (!parts.rbac && user.in_group(kSystemMasters)) {
    rules.push_back({{"*"}, {"*"}, {"*"}, {}, {}});
    rules.push_back({{"*"}, {}, {}, {}, {"*"}});
  }
  if (parts.rbac) {
    for (Rule& rule : parts.rbac->rules_for(user, ns, errors)) rules.push_back(std::move(rule));
  }
  return rules;
}

void fill_rules(authorization_v1::SubjectRulesReviewStatusEdit status,
                const std::vector<Rule>& rules) {
  // Present even if empty: clients go over both lists.
  auto resource_rules = status.edit_resource_rules();
  auto other_rules = status.edit_non_resource_rules();
  for (const Rule& rule : rules) {
    if (!rule.resources.empty()) {
      auto item = resource_rules.append();
      add_list(item.edit_verbs(), rule.verbs);
      if (!rule.groups.empty()) add_list(item.edit_api_groups(), rule.groups);
      add_list(item.edit_resources(), rule.resources);
      if (!rule.names.empty()) add_list(item.edit_resource_names(), rule.names);
    }
    if (!rule.urls.empty()) {
      auto item = other_rules.append();
      add_list(item.edit_verbs(), rule.verbs);
      add_list(item.edit_non_resource_urls(), rule.urls);
    }
  }
}

}  // namespace

Result<ObjectPtr> review_subject_access(const ReviewParts& parts, const Draft& object) {
  SubjectAccessReview request(object);
  FieldErrors errors;
  check_subject(request.spec(), errors);
  check_metadata(object, false, errors);
  if (auto good = outcome(errors); !good) return good.error();
  Verdict verdict =
      parts.authorizer->authorize(subject_of(request.spec()), attributes_of(request.spec()));
  Draft draft = object.clone();
  fill(SubjectAccessReviewEdit(draft).edit_status(), verdict);
  return draft.freeze();
}

Result<ObjectPtr> review_local_subject_access(const ReviewParts& parts, std::string_view ns,
                                              const Draft& object) {
  LocalSubjectAccessReview request(object);
  FieldErrors errors;
  check_subject(request.spec(), errors);
  check_metadata(object, true, errors);
  std::string_view own = request.metadata().namespace_();
  if (!own.empty() && own != ns) {
    return ApiStatus::bad_request("namespace on the object must match namespace: " +
                                  std::string(ns));
  }
  std::string_view wanted = request.spec().resource_attributes().namespace_();
  if (request.spec().has_resource_attributes() && wanted != ns) {
    errors.invalid(FieldPath("spec.resourceAttributes.namespace"), wanted,
                   "must match metadata.namespace");
  }
  if (request.spec().has_non_resource_attributes()) {
    errors.invalid_raw(FieldPath("spec.nonResourceAttributes"),
                       text_of(request.spec().non_resource_attributes()),
                       "disallowed on this kind of request");
  }
  if (auto good = outcome(errors); !good) return good.error();
  Verdict verdict =
      parts.authorizer->authorize(subject_of(request.spec()), attributes_of(request.spec()));
  Draft draft = object.clone();
  LocalSubjectAccessReviewEdit edit(draft);
  edit.edit_metadata().set_namespace(ns);
  fill(edit.edit_status(), verdict);
  return draft.freeze();
}

Result<ObjectPtr> review_self_subject_access(const ReviewParts& parts, const Draft& object,
                                             const UserInfo& user) {
  SelfSubjectAccessReview request(object);
  FieldErrors errors;
  check_own(request.spec(), errors);
  check_metadata(object, false, errors);
  if (auto good = outcome(errors); !good) return good.error();
  Verdict verdict = parts.authorizer->authorize(user, attributes_of(request.spec()));
  Draft draft = object.clone();
  fill(SelfSubjectAccessReviewEdit(draft).edit_status(), verdict);
  return draft.freeze();
}

Result<ObjectPtr> review_self_subject_rules(const ReviewParts& parts, const Draft& object,
                                            const UserInfo& user) {
  SelfSubjectRulesReview request(object);
  std::string_view ns = request.spec().namespace_();
  if (ns.empty()) return ApiStatus::bad_request("no namespace on request");
  std::vector<std::string> errors;
  std::vector<Rule> rules = rules_of(parts, user, ns, &errors);
  Draft draft = SelfSubjectRulesReview::make();
  SelfSubjectRulesReviewEdit edit(draft);
  edit.edit_spec();  // empty, as upstream's answer
  auto status = edit.edit_status();
  fill_rules(status, rules);
  if (node_of(user)) {
    errors.emplace_back("node authorizer does not support user rule resolution");
    status.set_incomplete(true);
  }
  if (!errors.empty()) status.set_evaluation_error(join(errors, ", "));
  return draft.freeze();
}

}  // namespace tiphys::apiserver
