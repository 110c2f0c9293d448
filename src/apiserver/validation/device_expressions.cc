#include "apiserver/validation/device_expressions.h"

#include "apiserver/validation/rule_calls.h"
#include "cel/compile.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxDeviceExpression = 10 * 1024;
constexpr std::string_view kDevice = "kubernetes.DRADevice";

const cel::Environment& device_environment() {
  static const std::unique_ptr<const cel::Environment> environment = [] {
    auto made = std::make_unique<cel::Environment>(&cel::kubernetes_environment());
    made->declare_field(kDevice, "driver", "string");
    made->declare_field(kDevice, "attributes", "map(string, map(string, any))");
    made->declare_field(kDevice, "capacity", "map(string, map(string, kubernetes.Quantity))");
    made->add_variable("device", made->types().object(kDevice));
    made->enable_bind();
    return made;
  }();
  return *environment;
}

}  // namespace

std::string check_device_expression(std::string_view expression) {
  cel::Compiled compiled = cel::compile(expression, device_environment());
  if (!compiled.program) return "compilation failed: " + compiled.issues;
  const cel::Type& type = compiled.program->result();
  if (type.kind == cel::TypeKind::kBool || type.kind == cel::TypeKind::kAny) return "";
  return "must evaluate to bool or the unknown type, not " + declared_text(type);
}

void call_device_expression(const RuleInput& input, FieldErrors& errors) {
  std::string_view text = input.value.as_text();
  if (text.size() > kMaxDeviceExpression) return;  // told already
  std::string problem = check_device_expression(text);
  if (!problem.empty()) errors.invalid(input.path, text, problem);
}

}  // namespace tiphys::apiserver
