// Rules of admissionregistration.k8s.io that are no rows (pkg/apis/admissionregistration/
// validation, k8s.io/apiserver/pkg/util/webhook). Expressions: policy_calls.cc.
#include <algorithm>
#include <set>

#include "apiserver/validation/go_url.h"
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "cel/parser.h"
#include "kinds/admissionregistration_v1.h"

namespace tiphys::apiserver {
namespace {

using Texts = ListView<std::string_view>;

constexpr std::string_view kUrlForm = "; desired format: https://host[/path]";
constexpr std::string_view kSafe[] = {"None", "NoneOnDryRun"};
constexpr std::string_view kKnownVersions = "v1, v1beta1";

bool has(const Texts& texts, std::string_view wanted) {
  return std::ranges::any_of(texts, [&](std::string_view text) { return text == wanted; });
}

std::string printed(const RuleInput& input) { return printed_value(*input.field, input.value); }

std::string joined(const Messages& messages) {
  std::string text;
  for (const std::string& message : messages) text += (text.empty() ? "" : ",") + message;
  return text;
}

// The webhooks of the object before the update. Both kinds have what is looked at under one name.
std::vector<const Node*> old_webhooks(const RuleInput& input) {
  std::vector<const Node*> hooks;
  if (!input.updating()) return hooks;
  const Object& old = *input.scope.old;
  for (const Value& hook :
       schema::find_path(old.type(), old.root(), {"webhooks"}).as_node().items()) {
    hooks.push_back(&hook.as_node());
  }
  return hooks;
}

const schema::Message& webhook_type(const RuleInput& input) {
  return *input.scope.object.type().find("webhooks")->message;
}

std::string_view hook_text(const RuleInput& input, const Node& hook, std::string_view name) {
  return schema::find_path(webhook_type(input), hook, {name}).as_text();
}

bool is_known_version(std::string_view version) { return version == "v1" || version == "v1beta1"; }

// An object that had a hook with versions that none of ours are among may keep such.
bool had_unknown_versions(const RuleInput& input) {
  for (const Node* hook : old_webhooks(input)) {
    Texts versions(
        schema::find_path(webhook_type(input), *hook, {"admissionReviewVersions"}).as_node());
    if (!versions.empty() && std::ranges::none_of(versions, is_known_version)) return true;
  }
  return false;
}

bool had_side_effects(const RuleInput& input) {
  return std::ranges::any_of(old_webhooks(input), [&](const Node* hook) {
    std::string_view effects = hook_text(input, *hook, "sideEffects");
    return effects != kSafe[0] && effects != kSafe[1];
  });
}

}  // namespace

// At least three labels.
void call_fully_qualified_name(const RuleInput& input, FieldErrors& errors) {
  std::string_view name = input.value.as_text();
  if (name.empty()) return errors.required(input.path);
  Messages messages = check_dns1123_subdomain(name);
  if (!messages.empty()) {
    errors.invalid(input.path, name, joined(messages));
  } else if (split(name, '.').size() < 3) {
    errors.invalid(input.path, name,
                   "should be a domain with at least three segments separated by dots");
  }
}

void call_webhook_url(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null()) return;
  std::string form(kUrlForm);
  Result<GoUrl> url = parse_go_url(input.value.as_text());
  if (!url) {
    errors.required(input.path, "url must be a valid URL: " + url.error().message() + form);
    return;
  }
  if (url->scheme != "https") {
    errors.invalid(input.path, url->scheme, "'https' is the only allowed URL scheme" + form);
  }
  if (url->host.empty()) errors.invalid(input.path, "", "host must be specified" + form);
  if (url->user) {
    errors.invalid(input.path, *url->user, "user information is not permitted in the URL");
  }
  if (!url->fragment.empty()) {
    errors.invalid(input.path, url->fragment, "fragments are not permitted in the URL");
  }
  if (!url->query.empty()) {
    errors.invalid(input.path, url->query, "query parameters are not permitted in the URL");
  }
}

// Upstream hands name and namespace over the other way round, so that the one that is missing is
// reported as the other.
void call_webhook_service(const RuleInput& input, FieldErrors& errors) {
  admissionregistration_v1::ServiceReference service(input.value.as_node());
  if (service.namespace_().empty()) errors.required(input.path.child("name"));
  if (service.name().empty()) errors.required(input.path.child("namespace"));
}

void call_webhook_service_path(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  if (text.empty() || text == "/") return;
  if (text == "//") return errors.invalid(input.path, text, "segment[0] may not be empty");
  if (!text.starts_with('/')) errors.invalid(input.path, text, "must start with a '/'");
  std::string_view rest = text.substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::vector<std::string_view> segments = split(rest, '/');
  for (size_t i = 0; i < segments.size(); ++i) {
    std::string segment = "segment[" + std::to_string(i) + "]";
    if (segments[i].empty()) {
      errors.invalid(input.path, text, segment + " may not be empty");
      continue;
    }
    for (const std::string& message : check_dns1123_subdomain(segments[i])) {
      errors.invalid(input.path, text, segment + ": " + message);
    }
  }
}

void call_service_port(const RuleInput& input, FieldErrors& errors) {
  for (const std::string& message : check_port_number(input.value.as_int())) {
    errors.invalid(input.path, input.value.as_int(), "port is not valid: " + message);
  }
}

void call_side_effects(const RuleInput& input, FieldErrors& errors) {
  constexpr std::string_view kAll[] = {"None", "NoneOnDryRun", "Some", "Unknown"};
  bool lenient = had_side_effects(input);
  if (input.value.is_null()) {
    errors.required(input.path, lenient ? "must specify one of None, NoneOnDryRun, Some, Unknown"
                                        : "must specify one of None, NoneOnDryRun");
    return;
  }
  std::span<const std::string_view> allowed = kSafe;
  if (lenient) allowed = kAll;
  if (std::ranges::count(allowed, input.value.as_text()) > 0) return;
  errors.not_supported(input.path, input.value.as_text(), allowed);
}

void call_review_versions(const RuleInput& input, FieldErrors& errors) {
  Texts versions(input.value.as_node());
  std::string known(kKnownVersions);
  if (versions.empty()) return errors.required(input.path, "must specify one of " + known);
  std::set<std::string_view> seen;
  for (size_t i = 0; i < versions.size(); ++i) {
    FieldPath path = input.path.index(i);
    if (!seen.insert(versions[i]).second) {
      errors.invalid(path, versions[i], "duplicate version");
      continue;
    }
    for (const std::string& message : check_dns1035_label(versions[i])) {
      errors.invalid(path, versions[i], message);
    }
  }
  if (std::ranges::any_of(versions, is_known_version) || had_unknown_versions(input)) return;
  errors.invalid_raw(input.path, printed(input), "must include at least one of " + known);
}

// Names are unique, unless they were not before.
void call_webhook_name_once(const RuleInput& input, FieldErrors& errors) {
  std::set<std::string_view> before;
  for (const Node* hook : old_webhooks(input)) {
    if (!before.insert(hook_text(input, *hook, "name")).second) return;
  }
  std::string_view name = input.value.as_text();
  const Object& object = input.scope.object;
  for (const Value& hook :
       schema::find_path(object.type(), object.root(), {"webhooks"}).as_node().items()) {
    if (&hook.as_node() == &input.parent || name.empty()) return;
    if (hook_text(input, hook.as_node(), "name") != name) continue;
    return errors.duplicate(input.path, name);
  }
}

// "*" stands alone.
void call_lone_wildcard(const RuleInput& input, FieldErrors& errors) {
  Texts texts(input.value.as_node());
  if (texts.size() < 2 || !has(texts, "*")) return;
  errors.invalid_raw(input.path, printed(input), input.detail);
}

// x, x/y, x/*, */y, */* and *.
void call_rule_resources(const RuleInput& input, FieldErrors& errors) {
  Texts resources(input.value.as_node());
  std::set<std::string_view> whole;    // x/*
  std::set<std::string_view> columns;  // */y
  bool plain = false;
  for (size_t i = 0; i < resources.size(); ++i) {
    std::string_view text = resources[i];
    FieldPath path = input.path.index(i);
    if (text.empty()) {
      errors.required(path);
      continue;
    }
    size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
      plain = text != "*";
      continue;
    }
    std::string_view resource = text.substr(0, slash);
    std::string_view sub = text.substr(slash + 1);
    std::string tail = "' is present, must not specify " + std::string(text);
    if (whole.contains(resource)) {
      errors.invalid(path, text, "if '" + std::string(resource) + "/*" + tail);
    }
    if (columns.contains(sub)) errors.invalid(path, text, "if '*/" + std::string(sub) + tail);
    if (sub == "*") whole.insert(resource);
    if (resource == "*") columns.insert(sub);
  }
  if (resources.size() > 1 && has(resources, "*/*")) {
    errors.invalid_raw(input.path, printed(input),
                       "if '*/*' is present, must not specify other resources");
  }
  if (plain && has(resources, "*")) {
    errors.invalid_raw(input.path, printed(input),
                       "if '*' is present, must not specify other resources without subresources");
  }
}

void call_deny_and_warn(const RuleInput& input, FieldErrors& errors) {
  Texts actions(input.value.as_node());
  if (!has(actions, "Deny") || !has(actions, "Warn")) return;
  errors.invalid_raw(input.path, printed(input),
                     "must not contain both Deny and Warn (repeating the same validation failure "
                     "information in the API response and headers serves no purpose)");
}

// Blank is as good as absent.
void call_not_blank(const RuleInput& input, FieldErrors& errors) {
  if (trim(input.value.as_text()).empty()) errors.required(input.path, input.detail);
}

// Blank is wrong, absent is not.
void call_blank(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  if (text.empty() || !trim(text).empty()) return;
  errors.invalid(input.path, text, "must be non-empty if specified");
}

void call_one_line(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  if (trim(text).find_first_of("\n\r") == std::string_view::npos) return;
  errors.invalid(input.path, text, "must not contain line breaks");
}

void call_cel_identifier(const RuleInput& input, FieldErrors& errors) {
  std::string_view name = input.value.as_text();
  if (trim(name).empty()) return;
  bool valid = !(name[0] >= '0' && name[0] <= '9');
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    valid = valid && (letter || (c >= '0' && c <= '9'));
  }
  if (valid && !cel::is_reserved(name)) return;
  errors.invalid(input.path, name, "must be a valid CEL identifier");
}

// The annotation's name has the policy's in front.
void call_audit_annotation_key(const RuleInput& input, FieldErrors& errors) {
  std::string_view key = input.value.as_text();
  admissionregistration_v1::ValidatingAdmissionPolicy policy(input.scope.object);
  std::string whole(policy.metadata().name());
  if (whole.empty()) {
    errors.invalid(input.path, key, "requires metadata.name be non-empty");
    return;
  }
  whole.append("/").append(key);
  errors.invalid_all(input.path, whole, check_qualified_name(whole));
}

void call_audit_annotation_count(const RuleInput& input, FieldErrors& errors) {
  constexpr uint32_t kMaxAuditAnnotations = 20;
  if (input.value.as_node().size <= kMaxAuditAnnotations) return;
  errors.invalid_raw(input.path, printed(input), "must not have more than 20 auditAnnotations");
}

void call_param_api_version(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  if (text.empty()) return errors.required(input.path);
  std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() > 2) {
    errors.invalid(input.path, text, "unexpected GroupVersion string: " + std::string(text));
    return;
  }
  std::string_view group = parts.size() == 2 ? parts[0] : std::string_view();
  std::string_view version = parts.back();
  if (!group.empty()) {
    Messages messages = check_dns1123_subdomain(group);
    if (!messages.empty()) errors.invalid(input.path, group, joined(messages));
  }
  if (version.empty()) {
    errors.invalid(input.path, text, "version must be specified");
  } else if (Messages messages = check_dns1035_label(version); !messages.empty()) {
    errors.invalid(input.path, version, joined(messages));
  }
}

void call_param_kind(const RuleInput& input, FieldErrors& errors) {
  std::string_view kind = input.value.as_text();
  if (kind.empty()) return errors.required(input.path);
  Messages messages = check_dns1035_label(to_lower(kind));
  if (messages.empty()) return;
  errors.invalid(input.path, kind,
                 "may have mixed case, but should otherwise match: " + joined(messages));
}

}  // namespace tiphys::apiserver
