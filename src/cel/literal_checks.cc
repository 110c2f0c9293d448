#include "cel/literal_checks.h"

#include <re2/re2.h>

#include <algorithm>

#include "base/time.h"

namespace tiphys::cel {
namespace {

// Seconds of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
constexpr int64_t kFirstSecond = -62'135'596'800;
constexpr int64_t kLastSecond = 253'402'300'799;
constexpr int64_t kMaxRegexMemory = 8 << 20;

const std::string_view* text_of(const Expr& expr) {
  return expr.kind == ExprKind::kLiteral ? std::get_if<std::string_view>(&expr.literal) : nullptr;
}

bool is_duration(const Expr& literal) {
  const std::string_view* text = text_of(literal);
  return !text || parse_go_duration(*text).has_value();
}

bool is_timestamp(const Expr& literal) {
  if (const auto* seconds = std::get_if<int64_t>(&literal.literal)) {
    return *seconds >= kFirstSecond && *seconds <= kLastSecond;
  }
  const std::string_view* text = text_of(literal);
  return !text || parse_rfc3339(*text).has_value();
}

bool is_regex(const Expr& literal) {
  const std::string_view* text = text_of(literal);
  if (!text) return true;
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMaxRegexMemory);
  RE2 regex(re2::StringPiece(text->data(), text->size()), options);
  return regex.ok() || regex.error_code() == RE2::ErrorPatternTooLarge;
}

struct LiteralCheck {
  std::string_view function;
  bool (*valid)(const Expr& literal);
};
constexpr LiteralCheck kChecks[] = {
    {"duration", is_duration}, {"timestamp", is_timestamp}, {"matches", is_regex}};

class LiteralChecker {
 public:
  explicit LiteralChecker(Issues& issues) : issues_(issues) {}

  void visit(const Expr& expr, bool in_format) {
    if (expr.kind == ExprKind::kCall) check_call(expr);
    if (expr.kind == ExprKind::kList && !in_format) check_list(expr);
    if (expr.kind == ExprKind::kMap && !in_format) check_map(expr);
    bool inside = in_format || (expr.kind == ExprKind::kCall && expr.name == "format");
    if (expr.target) visit(*expr.target, inside);
    for (const Expr* arg : expr.args) visit(*arg, inside);
    for (const Entry& entry : expr.entries) {
      if (entry.key) visit(*entry.key, inside);
      visit(*entry.value, inside);
    }
    if (expr.kind != ExprKind::kComprehension) return;
    const Comprehension& loop = expr.loop;
    for (const Expr* part : {loop.range, loop.init, loop.condition, loop.step, loop.result}) {
      visit(*part, inside);
    }
  }

 private:
  void check_call(const Expr& call) {
    for (const LiteralCheck& check : kChecks) {
      if (call.name != check.function || call.args.empty()) continue;
      const Expr& literal = *call.args[0];
      if (literal.kind != ExprKind::kLiteral || check.valid(literal)) continue;
      issues_.add(literal.offset, "invalid " + std::string(check.function) + " argument");
    }
    bool format = call.name == "format" && call.target && text_of(*call.target);
    if (format && call.args.size() == 1 && call.args[0]->kind == ExprKind::kList) {
      check_format(call, issues_);
    }
  }

  static const Type* value_type(const Expr& value, bool optional) {
    return optional && is_optional(*value.type) ? value.type->params[0] : value.type;
  }

  // False: told that it differs.
  bool same(const Type* expected, const Type* found, const Expr& at) {
    if (expected == found) return true;
    issues_.add(at.offset, "expected type '" + type_text(*expected) + "' but found '" +
                               type_text(*found) + "'");
    return false;
  }

  void check_list(const Expr& list) {
    const Type* first = nullptr;
    for (size_t i = 0; i < list.args.size(); ++i) {
      bool optional = !list.optional_items.empty() && list.optional_items[i];
      const Type* type = value_type(*list.args[i], optional);
      if (!first) first = type;
      if (!same(first, type, *list.args[i])) return;
    }
  }

  void check_map(const Expr& map) {
    const Entry* first = nullptr;
    for (const Entry& entry : map.entries) {
      if (!first) first = &entry;
      same(first->key->type, entry.key->type, *entry.key);
      same(value_type(*first->value, first->optional), value_type(*entry.value, entry.optional),
           *entry.value);
    }
  }

  Issues& issues_;
};

}  // namespace

void check_literals(const Ast& ast, Issues& issues) {
  LiteralChecker(issues).visit(*ast.root(), false);
}

}  // namespace tiphys::cel
