// Expressions: whatever the text is, parsing and checking end; there is either a tree whose nodes
// all have a type without parameters, or an error.
#include <cstdlib>

#include "cel/compile.h"

using namespace tiphys::cel;

namespace {

void visit(const Expr& expr) {
  if (!expr.type || expr.type->has_params || expr.kind == ExprKind::kUnspecified) abort();
  if (expr.target) visit(*expr.target);
  for (const Expr* arg : expr.args) visit(*arg);
  for (const Entry& entry : expr.entries) {
    if (entry.key) visit(*entry.key);
    visit(*entry.value);
  }
  if (expr.kind != ExprKind::kComprehension) return;
  const Comprehension& loop = expr.loop;
  for (const Expr* part : {loop.range, loop.init, loop.condition, loop.step, loop.result}) {
    visit(*part);
  }
}

const Environment& environment() {
  static const std::unique_ptr<const Environment> made = [] {
    auto env = std::make_unique<Environment>(&kubernetes_environment());
    TypeTable& types = env->types();
    const Type* text = types.simple(TypeKind::kString);
    env->add_variable("object", types.simple(TypeKind::kDyn));
    env->add_variable("l", types.list(types.simple(TypeKind::kInt)));
    env->add_variable("m", types.map(text, types.list(text)));
    env->add_variable("o", env->add_object("test.Object", {{"name", text}}));
    env->add_variable("authorizer", types.object("kubernetes.authorization.Authorizer"));
    return env;
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Compiled compiled = compile(text, environment());
  if (compiled.issues.empty() != (compiled.program != nullptr)) abort();
  if (compiled.program) visit(*compiled.program->ast.root());
  return 0;
}
