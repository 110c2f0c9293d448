// Rules of flowcontrol.apiserver.k8s.io that are no rows (pkg/apis/flowcontrol/validation).
#include <algorithm>
#include <cmath>

#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "kinds/flowcontrol_v1.h"

namespace tiphys::apiserver {
namespace {

using Texts = ListView<std::string_view>;

constexpr std::string_view kVerbs[] = {"create", "delete", "deletecollection", "get",  "list",
                                       "patch",  "proxy",  "update",           "watch"};
constexpr std::string_view kExempt = "exempt";
constexpr int kMaxHashBits = 60;

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
