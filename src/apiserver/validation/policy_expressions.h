// PolicyExpressions: the expressions of an admission policy or a webhook configuration, compiled
// with the variables that they will see at a request.
//
// Made for one object's validation; one thread. Variables of the policy are added in their order,
// and are known to what is compiled after them as variables.<name>.
// Source: k8s.io/apiserver v0.35 pkg/admission/plugin/cel (compile.go, composition.go).
#pragma once
#include <string>
#include <string_view>

#include "cel/environment.h"

namespace tiphys::apiserver {

// Which expression it is: what it may use, and what it has to give.
enum class ExpressionUse : uint8_t {
  kMatchCondition,   // bool; no variables of the policy
  kVariable,         // anything
  kValidation,       // bool
  kMessage,          // string; no authorizer
  kAuditAnnotation,  // string or null
};

class PolicyExpressions {
 public:
  // has_params: the policy has a paramKind. composed: the policy has variables.
  PolicyExpressions(bool has_params, bool composed);

  // What is wrong with the expression, as its field's error says it; empty: nothing.
  std::string check(ExpressionUse use, std::string_view expression);
  // The same of a variable's expression; the variable is known from then on, whatever it is.
  std::string add_variable(std::string_view name, std::string_view expression);

 private:
  cel::Environment common_;
  cel::Environment conditions_;   // and the authorizer
  cel::Environment messages_;     // and variables
  cel::Environment validations_;  // and both
};

}  // namespace tiphys::apiserver
