// Tolerations of pods and taints of nodes.
#include "apiserver/validation/affinity.h"
#include "apiserver/validation/checks.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kEffects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
constexpr std::string_view kOperators[] = {"Equal", "Exists"};

void validate_value(core_v1::Toleration toleration, const FieldPath& path, FieldErrors& errors) {
  std::string_view op = toleration.operator_();
  if (op.empty() || op == "Equal") {
    Messages messages = check_label_value(toleration.value());
    if (!messages.empty()) errors.invalid(path, toleration.value(), join(messages, ";"));
  } else if (op == "Exists") {
    if (!toleration.value().empty()) {
      errors.invalid(path, toleration.value(), "value must be empty when `operator` is 'Exists'");
    }
  } else {
    errors.not_supported(path, op, kOperators);
  }
}

void validate_toleration(core_v1::Toleration toleration, const FieldPath& path,
                         FieldErrors& errors) {
  if (!toleration.key().empty()) {
    errors.invalid_all(path.child("key"), toleration.key(), check_qualified_name(toleration.key()));
  } else if (toleration.operator_() != "Exists") {
    errors.invalid(path.child("operator"), toleration.operator_(),
                   "operator must be Exists when `key` is empty, which means \"match all values "
                   "and all keys\"");
  }
  if (toleration.has_toleration_seconds() && toleration.effect() != "NoExecute") {
    errors.invalid(path.child("effect"), toleration.effect(),
                   "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  validate_value(toleration, path.child("operator"), errors);
  if (!toleration.effect().empty()) {
    check_supported(toleration.effect(), kEffects, path.child("effect"), errors);
  }
}

}  // namespace

void validate_tolerations(const ListView<core_v1::Toleration>& tolerations, const FieldPath& path,
                          FieldErrors& errors) {
  for (size_t i = 0; i < tolerations.size(); ++i) {
    validate_toleration(tolerations[i], path.index(i), errors);
  }
}

void validate_taints(const ListView<core_v1::Taint>& taints, const FieldPath& path,
                     FieldErrors& errors) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (size_t i = 0; i < taints.size(); ++i) {
    core_v1::Taint taint = taints[i];
    FieldPath at = path.index(i);
    errors.invalid_all(at.child("key"), taint.key(), check_qualified_name(taint.key()));
    Messages messages = check_label_value(taint.value());
    if (!messages.empty()) {
      errors.invalid(at.child("value"), taint.value(), join(messages, ";"));
    }
    check_choice(taint.effect(), kEffects, at.child("effect"), errors);
    if (!seen.insert({taint.effect(), taint.key()}).second) {
      std::string json;
      codec::encode_json(core_v1::Taint::message_type(), taint.node(), json);
      errors.duplicate_raw(at, json, "taints must be unique by key and effect pair");
    }
  }
}

}  // namespace tiphys::apiserver
