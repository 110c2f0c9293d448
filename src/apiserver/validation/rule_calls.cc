// Rules that kinds of several groups share and that are no rows.
#include "apiserver/validation/rule_calls.h"

#include <set>
#include <tuple>

#include "apiserver/validation/affinity.h"
#include "apiserver/validation/ip_checks.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/resource_names.h"
#include "apiserver/validation/resources.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPathMessage =
    R"(Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+'))";

}  // namespace

void call_label_selector(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null()) return;
  validate_label_selector(meta_v1::LabelSelector(input.value.as_node()), input.path, errors);
}

// Of aggregated roles: what is no selector at all is named once more, with the value that upstream
// has of it by then.
void call_aggregation_selector(const RuleInput& input, FieldErrors& errors) {
  size_t before = errors.size();
  validate_label_selector(meta_v1::LabelSelector(input.value.as_node()), input.path, errors);
  if (errors.size() == before) return;
  errors.invalid_raw(input.path, "null", "invalid label selector.");
}

void call_labels(const RuleInput& input, FieldErrors& errors) {
  validate_labels(MapView<std::string_view>(input.value.as_node()), input.path, errors);
}

// Upstream checks what a class of runtimes costs as if it were limits of a container.
void call_runtime_overhead(const RuleInput& input, FieldErrors& errors) {
  MapView<std::string_view> overhead(input.value.as_node());
  validate_overhead(overhead, {}, FieldPath("overhead"), errors);
}

// A toleration stands in the list once, whatever time it is given.
void call_runtime_tolerations(const RuleInput& input, FieldErrors& errors) {
  ListView<core_v1::Toleration> tolerations(input.value.as_node());
  validate_tolerations(tolerations, input.path, errors);
  using Key = std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>;
  std::set<Key> seen;
  for (size_t i = 0; i < tolerations.size(); ++i) {
    core_v1::Toleration toleration = tolerations[i];
    Key key{toleration.key(), toleration.operator_(), toleration.value(), toleration.effect()};
    if (seen.insert(key).second) continue;
    std::string json;
    codec::encode_json(core_v1::Toleration::message_type(), toleration.node(), json);
    errors.duplicate_raw(input.path.index(i), json);
  }
}

void call_pod_template(const RuleInput& input, FieldErrors& errors) {
  core_v1::PodTemplateSpec old(input.old.as_node());
  validate_pod_template(core_v1::PodTemplateSpec(input.value.as_node()), input.path, errors,
                        input.updating() ? &old : nullptr);
}

void call_container_resource_name(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null()) return;
  check_container_resource_name(input.value.as_text(), input.path, errors);
}

// "example.com/anything".
void call_domain_prefixed_path(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null() && input.field->pointer) return;
  std::string_view text = input.value.as_text();
  if (text.empty()) return errors.required(input.path);
  size_t slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) {
    errors.invalid(input.path, text, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    return;
  }
  for (const std::string& message : check_dns1123_subdomain(text.substr(0, slash))) {
    errors.invalid(input.path, text.substr(0, slash), message);
  }
  // The URL path of RFC 3986, section 3.3.
  constexpr std::string_view kPathMarks = "/-._~%!$&'()*+,;=:";
  for (char c : text.substr(slash + 1)) {
    bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (letter || kPathMarks.find(c) != std::string_view::npos) continue;
    errors.invalid(input.path, text.substr(slash + 1), kPathMessage);
    return;
  }
}

void call_unique_items(const RuleInput& input, FieldErrors& errors) {
  std::set<std::string_view> seen;
  std::span<const Value> items = input.value.as_node().items();
  for (size_t i = 0; i < items.size(); ++i) {
    std::string_view key =
        schema::find_path(*input.field->message, items[i].as_node(), {input.detail}).as_text();
    if (!seen.insert(key).second) errors.duplicate(input.path.index(i), key);
  }
}

void call_extended_resource_name(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null() || is_extended_resource(input.value.as_text())) return;
  errors.invalid(input.path, input.value.as_text(), "must be a valid extended resource name");
}

void call_interface_address(const RuleInput& input, FieldErrors& errors) {
  errors.invalid_all(input.path, input.value.as_text(),
                     check_interface_address(input.value.as_text()));
}

void call_template_metadata(const RuleInput& input, FieldErrors& errors) {
  validate_template_metadata(meta_v1::ObjectMeta(input.value.as_node()), input.path, errors);
}

}  // namespace tiphys::apiserver
