// Rules of expressions in admission policies and webhook configurations
// (pkg/apis/admissionregistration/validation: validateMatchConditionsExpression,
// validateVariable, validateValidationExpression, validateMessageExpression,
// validateAuditAnnotation). What is blank is told by the rows before them.
#include "apiserver/validation/policy_expressions.h"
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// One for all expressions of the object.
PolicyExpressions& expressions_of(const RuleInput& input) {
  std::shared_ptr<PolicyExpressions>& made = input.scope.expressions;
  if (!made) {
    const Object& object = input.scope.object;
    auto has = [&](std::string_view field) {
      const Value& value = schema::find_path(object.type(), object.root(), {"spec", field});
      return value.type == ValueType::kStruct || value.as_node().size > 0;
    };
    bool policy = object.type().find("spec") != nullptr;
    made =
        std::make_shared<PolicyExpressions>(policy && has("paramKind"), policy && has("variables"));
  }
  return *made;
}

void check(const RuleInput& input, ExpressionUse use, std::string_view expression,
           std::string_view shown, FieldErrors& errors) {
  if (trim(expression).empty()) return;
  std::string problem = expressions_of(input).check(use, expression);
  if (!problem.empty()) errors.invalid(input.path, shown, problem);
}

}  // namespace

void call_match_condition_expression(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = trim(input.value.as_text());
  check(input, ExpressionUse::kMatchCondition, text, text, errors);
}

void call_variable_expression(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  if (trim(text).empty()) return;
  const schema::Message& type =
      *input.scope.object.type().find("spec")->message->find("variables")->message;
  std::string_view name = schema::find_path(type, input.parent, {"name"}).as_text();
  std::string problem = expressions_of(input).add_variable(name, text);
  if (!problem.empty()) errors.invalid(input.path, text, problem);
}

void call_validation_expression(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  check(input, ExpressionUse::kValidation, text, text, errors);
}

void call_message_expression(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  check(input, ExpressionUse::kMessage, text, text, errors);
}

void call_audit_annotation_value(const RuleInput& input, FieldErrors& errors) {
  constexpr size_t kMaxBytes = 5 * 1024;
  std::string_view text = input.value.as_text();
  std::string_view trimmed = trim(text);
  if (trimmed.size() <= kMaxBytes) {
    return check(input, ExpressionUse::kAuditAnnotation, trimmed, text, errors);
  }
  errors.required(input.path, "must not exceed " + std::to_string(kMaxBytes) + " bytes in length");
}

}  // namespace tiphys::apiserver
