#include "apiserver/reviews/access_reviews.h"

#include "apiserver/authz/node.h"
#include "apiserver/registry/field_error.h"
#include "base/strings.h"
#include "kinds/authorization_v1.h"

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

// What both the subject's and one's own review demand: exactly one of the two.
template <class Spec>
void check_attributes(const Spec& spec, FieldErrors& errors) {
  FieldPath path("spec");
  bool resource = spec.has_resource_attributes();
  bool other = spec.has_non_resource_attributes();
  if (resource && other) {
    errors.invalid_raw(path.child("nonResourceAttributes"), "null",
                       "cannot be specified in combination with resourceAttributes");
  }
  if (!resource && !other) {
    errors.invalid_raw(path.child("resourceAttributes"), "null",
                       "exactly one of nonResourceAttributes or resourceAttributes must be "
                       "specified");
  }
}

void check_subject(const SubjectAccessReviewSpec& spec, FieldErrors& errors) {
  check_attributes(spec, errors);
  if (spec.user().empty() && spec.groups().empty()) {
    errors.invalid(FieldPath("spec").child("user"), spec.user(),
                   "at least one of user or group must be specified");
  }
}

Result<void> outcome(FieldErrors& errors, std::string_view kind) {
  if (errors.empty()) return {};
  return ApiStatus::invalid(kGroup, kind, "", errors.take());
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

// system:masters is not bound by rules.
std::vector<Rule> rules_of(const ReviewParts& parts, const UserInfo& user, std::string_view ns,
                           std::vector<std::string>* errors) {
  std::vector<Rule> rules;
  if (user.in_group(kSystemMasters)) {
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
  if (auto good = outcome(errors, "SubjectAccessReview"); !good) return good.error();
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
    errors.invalid_raw(FieldPath("spec.nonResourceAttributes"), "null",
                       "disallowed on this kind of request");
  }
  if (auto good = outcome(errors, "LocalSubjectAccessReview"); !good) return good.error();
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
  check_attributes(request.spec(), errors);
  if (auto good = outcome(errors, "SelfSubjectAccessReview"); !good) return good.error();
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
  Draft draft = object.clone();
  auto status = SelfSubjectRulesReviewEdit(draft).edit_status();
  fill_rules(status, rules);
  if (node_of(user)) {
    errors.emplace_back("node authorizer does not support user rule resolution");
    status.set_incomplete(true);
  }
  if (!errors.empty()) status.set_evaluation_error(join(errors, ", "));
  return draft.freeze();
}

}  // namespace tiphys::apiserver
