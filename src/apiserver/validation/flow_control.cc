// Rules of flowcontrol.apiserver.k8s.io that are no rows (pkg/apis/flowcontrol/validation).
#include <algorithm>
#include <cmath>

#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/semantic_equal.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/flowcontrol_v1.h"

namespace tiphys::apiserver {
namespace {

using Texts = ListView<std::string_view>;

constexpr std::string_view kVerbs[] = {"create", "delete", "deletecollection", "get",  "list",
                                       "patch",  "proxy",  "update",           "watch"};
constexpr std::string_view kExempt = "exempt";
constexpr int kMaxHashBits = 60;

// An object that every cluster has, and whose spec is what it is.
struct Mandatory {
  std::string_view name;
  std::string_view object;
};

constexpr Mandatory kMandatoryFlowSchemas[] = {
    {"exempt", R"({"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","spec":{
      "priorityLevelConfiguration":{"name":"exempt"},"matchingPrecedence":1,"rules":[{
        "subjects":[{"kind":"Group","group":{"name":"system:masters"}}],
        "resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],
          "clusterScope":true,"namespaces":["*"]}],
        "nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]}})"},
    {"catch-all", R"({"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"FlowSchema","spec":{
      "priorityLevelConfiguration":{"name":"catch-all"},"matchingPrecedence":10000,
      "distinguisherMethod":{"type":"ByUser"},"rules":[{
        "subjects":[{"kind":"Group","group":{"name":"system:unauthenticated"}},
          {"kind":"Group","group":{"name":"system:authenticated"}}],
        "resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],
          "clusterScope":true,"namespaces":["*"]}],
        "nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]}})"}};

constexpr std::string_view kCatchAllLevel =
    R"({"apiVersion":"flowcontrol.apiserver.k8s.io/v1","kind":"PriorityLevelConfiguration","spec":{
      "type":"Limited","limited":{"nominalConcurrencyShares":5,"lendablePercent":0,
      "limitResponse":{"type":"Reject"}}}})";

bool has_wildcard(const Texts& texts) {
  return std::ranges::any_of(texts, [](std::string_view text) { return text == "*"; });
}

std::string printed(const RuleInput& input) { return printed_value(*input.field, input.value); }

std::string_view url_problem(std::string_view url) {
  if (url.empty()) return "must not be empty";
  if (url == "/") return {};
  if (!url.starts_with('/')) return "must start with slash";
  if (url.find(' ') != std::string_view::npos) return "must not contain white-space";
  if (url.find("//") != std::string_view::npos) return "must not contain double slash";
  auto stars = std::ranges::count(url, '*');
  if (stars > 1 || (stars == 1 && !url.ends_with("/*"))) {
    return "wildcard can only do suffix matching";
  }
  return {};
}

bool same_spec(const RuleInput& input, std::string_view object) {
  Result<Draft> fixed = codec::decode_object(codec::Format::kJson, object, nullptr, nullptr);
  if (!fixed) return false;
  ObjectPtr wanted = fixed->freeze();
  const Value& spec = schema::find_path(wanted->type(), wanted->root(), {"spec"});
  return semantic_equal(*input.field, input.value, spec);
}

void report_fixed(const RuleInput& input, std::string_view name, std::string_view part,
                  FieldErrors& errors) {
  errors.invalid_raw(
      input.path, printed(input),
      "spec of '" + std::string(name) + "'" + std::string(part) + " must equal the fixed value");
}

// Bits of hash that dealing a hand takes.
int entropy_bits(int64_t deck, int64_t hand) {
  double bits = 0;
  for (int64_t i = 0; i < hand; ++i) bits += std::log2(static_cast<double>(deck - i));
  return static_cast<int>(std::ceil(bits));
}

}  // namespace

void call_flow_verbs(const RuleInput& input, FieldErrors& errors) {
  Texts verbs(input.value.as_node());
  if (verbs.empty()) {
    errors.required(input.path, "verbs must contain at least one value");
  } else if (has_wildcard(verbs)) {
    if (verbs.size() > 1) {
      errors.invalid_raw(input.path, printed(input),
                         "if '*' is present, must not specify other verbs");
    }
  } else if (!std::ranges::all_of(
                 verbs, [](std::string_view v) { return std::ranges::count(kVerbs, v) > 0; })) {
    errors.not_supported_raw(input.path, printed(input), kVerbs);
  }
}

void call_flow_urls(const RuleInput& input, FieldErrors& errors) {
  Texts urls(input.value.as_node());
  if (urls.empty()) {
    errors.required(input.path, "nonResourceURLs must contain at least one value");
  } else if (has_wildcard(urls)) {
    if (urls.size() > 1) {
      errors.invalid_raw(input.path, printed(input),
                         "if '*' is present, must not specify other non-resource URLs");
    }
  } else {
    for (size_t i = 0; i < urls.size(); ++i) {
      std::string_view problem = url_problem(urls[i]);
      if (!problem.empty()) errors.invalid(input.path.index(i), urls[i], problem);
    }
  }
}

void call_flow_namespaces(const RuleInput& input, FieldErrors& errors) {
  Texts namespaces(input.value.as_node());
  if (namespaces.empty() && !flowcontrol_v1::ResourcePolicyRule(input.parent).cluster_scope()) {
    errors.required(input.path,
                    "resource rules that are not cluster scoped must supply at least one "
                    "namespace");
  } else if (has_wildcard(namespaces)) {
    if (namespaces.size() > 1) {
      errors.invalid_raw(input.path, printed(input),
                         "if '*' is present, must not specify other namespaces");
    }
  } else {
    for (size_t i = 0; i < namespaces.size(); ++i) {
      for (const std::string& message : check_dns1123_label(namespaces[i])) {
        errors.invalid(input.path.index(i), namespaces[i],
                       "each member of this list must be '*' or a DNS-1123 label; " + message);
      }
    }
  }
}

void call_flow_precedence(const RuleInput& input, FieldErrors& errors) {
  flowcontrol_v1::FlowSchema schema(input.scope.object);
  if (input.value.as_int() != 1 || schema.metadata().name() == kExempt) return;
  errors.invalid(input.path, 1, "only the schema named 'exempt' may have matchingPrecedence 1");
}

void call_priority_level_type(const RuleInput& input, FieldErrors& errors) {
  flowcontrol_v1::PriorityLevelConfiguration level(input.scope.object);
  bool exempt = input.value.as_text() == "Exempt";
  if ((level.metadata().name() == kExempt) == exempt) return;
  errors.invalid(input.path, input.value.as_text(),
                 "type must be 'Exempt' if and only if name is 'exempt'");
}

void call_mandatory_flow_schema(const RuleInput& input, FieldErrors& errors) {
  std::string_view name = flowcontrol_v1::FlowSchema(input.scope.object).metadata().name();
  for (const Mandatory& row : kMandatoryFlowSchemas) {
    if (row.name == name && !same_spec(input, row.object)) report_fixed(input, name, "", errors);
  }
}

// What the exempt level lends is the administrator's to say.
void call_mandatory_priority_level(const RuleInput& input, FieldErrors& errors) {
  flowcontrol_v1::PriorityLevelConfiguration level(input.scope.object);
  std::string_view name = level.metadata().name();
  if (name == kExempt && (level.spec().type() != "Exempt" || level.spec().has_limited())) {
    report_fixed(input, name, " except the 'spec.exempt' field", errors);
  } else if (name == "catch-all" && !same_spec(input, kCatchAllLevel)) {
    report_fixed(input, name, "", errors);
  }
}

void call_hand_size(const RuleInput& input, FieldErrors& errors) {
  int64_t hand = input.value.as_int();
  int64_t queues = flowcontrol_v1::QueuingConfiguration(input.parent).queues();
  std::string deck = std::to_string(queues);
  if (hand <= 0) {
    errors.invalid(input.path, hand, "must be positive");
  } else if (hand > queues) {
    errors.invalid(input.path, hand, "should not be greater than queues (" + deck + ")");
  } else if (hand > kMaxHashBits || entropy_bits(queues, hand) > kMaxHashBits) {
    errors.invalid(input.path, hand,
                   "required entropy bits of deckSize " + deck + " and handSize " +
                       std::to_string(hand) + " should not be greater than " +
                       std::to_string(kMaxHashBits));
  }
}

}  // namespace tiphys::apiserver
