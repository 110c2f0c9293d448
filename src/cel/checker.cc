#include "cel/checker.h"

#include <algorithm>

#include "cel/unifier.h"

namespace tiphys::cel {
namespace {

struct Variable {
  std::string_view name;
  const Type* type;
};

// a.b.c as a name; empty: it is something else.
std::string qualified_name(const Expr& expr) {
  std::vector<std::string_view> parts;
  const Expr* at = &expr;
  for (; at->kind == ExprKind::kSelect && !at->test; at = at->args[0]) parts.push_back(at->name);
  if (at->kind != ExprKind::kIdent) return "";
  std::string name(at->name);
  for (auto it = parts.rbegin(); it != parts.rend(); ++it) name.append(".").append(*it);
  return name;
}

// Without the dot in front that says the name is whole.
std::string_view bare(std::string_view name) {
  return name.starts_with('.') ? name.substr(1) : name;
}

class Checker {
 public:
  Checker(Ast& ast, const Environment& environment, TypeTable& types, Issues& issues)
      : ast_(ast),
        environment_(environment),
        types_(types),
        issues_(issues),
        max_steps_(kFreeSteps + kStepsPerNode * ast.size()),
        unifier_(types, max_steps_) {}

  void run() {
    check(*ast_.root());
    if (unifier_.exhausted()) {
      issues_ = Issues();
      issues_.add(kNowhere,
                  "type check is too complex: more than " + std::to_string(max_steps_) + " steps");
      return;
    }
    finish(*ast_.root());
  }

 private:
  const Type* simple(TypeKind kind) const { return types_.simple(kind); }
  const Type* error() const { return simple(TypeKind::kError); }
  const Type* dyn() const { return simple(TypeKind::kDyn); }

  void report(int32_t offset, std::string message) { issues_.add(offset, std::move(message)); }

  void report_mismatch(int32_t offset, const Type& expected, const Type& found) {
    report(offset,
           "expected type '" + type_text(expected) + "' but found '" + type_text(found) + "'");
  }

  void report_undeclared(const Expr& expr, std::string_view name) {
    report(expr.offset, "undeclared reference to '" + std::string(name) + "' (in container '')");
  }

  // Parameters become what they stand for.
  void finish(Expr& expr) {
    if (expr.type) expr.type = unifier_.substitute(expr.type, true);
    for_children(expr, [this](Expr& child) { finish(child); });
  }

  template <class Visit>
  static void for_children(Expr& expr, Visit visit) {
    if (expr.target) visit(*expr.target);
    for (Expr* arg : expr.args) visit(*arg);
    for (Entry& entry : expr.entries) {
      if (entry.key) visit(*entry.key);
      visit(*entry.value);
    }
    if (expr.kind != ExprKind::kComprehension) return;
    Comprehension& loop = expr.loop;
    for (Expr* part : {loop.range, loop.init, loop.condition, loop.step, loop.result}) {
      visit(*part);
    }
  }

  void check(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kUnspecified:
        expr.type = error();
        return;
      case ExprKind::kLiteral:
        expr.type = literal_type(expr.literal);
        return;
      case ExprKind::kIdent:
        return check_ident(expr);
      case ExprKind::kSelect:
        return check_select(expr);
      case ExprKind::kCall:
        return check_call(expr);
      case ExprKind::kList:
        return check_list(expr);
      case ExprKind::kMap:
        return check_map(expr);
      case ExprKind::kStruct:
        return check_struct(expr);
      case ExprKind::kComprehension:
        return check_comprehension(expr);
    }
  }

  const Type* literal_type(const Literal& literal) const {
    constexpr TypeKind kKinds[] = {TypeKind::kNull, TypeKind::kBool,   TypeKind::kInt,
                                   TypeKind::kUint, TypeKind::kDouble, TypeKind::kString,
                                   TypeKind::kBytes};
    return simple(kKinds[literal.index()]);
  }

  const Type* find_identifier(std::string_view name) const {
    name = bare(name);
    for (auto it = scope_.rbegin(); it != scope_.rend(); ++it) {
      if (it->name == name) return it->type;
    }
    return environment_.find_identifier(name);
  }

  void check_ident(Expr& expr) {
    expr.type = find_identifier(expr.name);
    if (expr.type) {
      expr.name = bare(expr.name);
      return;
    }
    expr.type = error();
    report_undeclared(expr, expr.name);
  }

  void check_select(Expr& expr) {
    // A name with dots may be declared as a whole.
    std::string name = qualified_name(expr);
    if (const Type* type = name.empty() ? nullptr : find_identifier(name)) {
      expr.type = type;
      expr.kind = ExprKind::kIdent;
      expr.name = ast_.keep(std::string(bare(name)));
      expr.args.clear();
      return;
    }
    const Type* type = field_type(expr, *expr.args[0], expr.name, false);
    expr.type = expr.test ? simple(TypeKind::kBool) : unifier_.substitute(type, false);
  }

  void check_optional_select(Expr& expr) {
    std::string_view field = std::get<std::string_view>(expr.args[1]->literal);
    expr.args[1]->type = simple(TypeKind::kString);
    const Type* type = field_type(expr, *expr.args[0], field, true);
    expr.type = unifier_.substitute(type, false);
    expr.overloads = {"select_optional_field"};
  }

  const Type* field_type(const Expr& expr, Expr& operand, std::string_view field, bool optional) {
    check(operand);
    const Type* type = unifier_.substitute(operand.type, false);
    bool was_optional = is_optional(*type);
    if (was_optional) type = type->params[0];
    const Type* result = field_of(expr, *type, field);
    return optional || was_optional ? types_.optional(result) : result;
  }

  const Type* field_of(const Expr& expr, const Type& type, std::string_view field) {
    switch (type.kind) {
      case TypeKind::kMap:
        return type.params[1];
      case TypeKind::kStruct:
        return object_field(expr.offset, type.name, field);
      case TypeKind::kParam:
        unifier_.assignable(dyn(), &type);
        return dyn();
      default:
        if (!is_dyn_or_error(type)) {
          report(expr.offset, "type '" + type_text(type) + "' does not support field selection");
        }
        return dyn();
    }
  }

  const Type* object_field(int32_t offset, std::string_view object, std::string_view field) {
    const ObjectFields* fields = environment_.find_object(object);
    if (!fields) {
      report(offset, "unexpected failed resolution of '" + std::string(object) + "'");
      return error();
    }
    auto it = fields->find(field);
    if (it != fields->end()) return it->second;
    report(offset, "undefined field '" + std::string(field) + "'");
    return error();
  }

  void check_call(Expr& expr) {
    if (expr.name == operators::kOptionalSelect) return check_optional_select(expr);
    for (Expr* arg : expr.args) check(*arg);
    if (!expr.target) return resolve(expr, expr.name);
    // a.b.f() is the function f of a.b, or the function a.b.f.
    std::string prefix = qualified_name(*expr.target);
    if (!prefix.empty()) {
      std::string whole(bare(prefix + "." + std::string(expr.name)));
      if (environment_.find_function(whole)) {
        expr.target = nullptr;
        expr.name = ast_.keep(std::move(whole));
        return resolve(expr, expr.name);
      }
    }
    check(*expr.target);
    resolve(expr, expr.name);
  }

  void resolve(Expr& expr, std::string_view name) {
    const std::vector<Overload>* overloads = environment_.find_function(bare(name));
    if (!overloads) {
      expr.type = error();
      return report_undeclared(expr, name);
    }
    expr.name = bare(name);
    if (expr.name == operators::kAnd || expr.name == operators::kOr) {
      return resolve_logic(expr, overloads->front());
    }
    std::vector<const Type*> args;
    if (expr.target) args.push_back(expr.target->type);
    for (const Expr* arg : expr.args) args.push_back(arg->type);
    const Type* result = nullptr;
    for (const Overload& overload : *overloads) {
      if (overload.member != (expr.target != nullptr)) continue;
      if (const Type* type = apply(overload, args)) {
        expr.overloads.push_back(overload.id);
        if (!result) result = type;
        if (type != result && !is_dyn(*result)) result = dyn();
      }
    }
    expr.type = result ? result : error();
    if (result) return;
    for (const Type*& arg : args) arg = unifier_.substitute(arg, true);
    report(expr.offset, "found no matching overload for '" + std::string(expr.name) +
                            "' applied to '" + signature_text(args, expr.target != nullptr) + "'");
  }

  void resolve_logic(Expr& expr, const Overload& overload) {
    expr.type = simple(TypeKind::kBool);
    expr.overloads = {overload.id};
    for (const Expr* arg : expr.args) {
      if (unifier_.assignable(arg->type, simple(TypeKind::kBool))) continue;
      report_mismatch(arg->offset, *simple(TypeKind::kBool), *arg->type);
      expr.type = error();
    }
  }

  // The result of the overload for these arguments; null: it does not take them.
  const Type* apply(const Overload& overload, const std::vector<const Type*>& args) {
    std::vector<const Type*> fresh;
    for (size_t i = 0; i < overload.params.size(); ++i) fresh.push_back(unifier_.fresh());
    std::vector<const Type*> wanted;
    for (const Type* arg : overload.args) wanted.push_back(instance(arg, overload, fresh));
    if (!unifier_.assignable(args, wanted)) return nullptr;
    return unifier_.substitute(instance(overload.result, overload, fresh), false);
  }

  const Type* instance(const Type* type, const Overload& overload,
                       const std::vector<const Type*>& fresh) {
    if (!type->has_params) return type;
    if (type->kind == TypeKind::kParam) {
      return fresh[std::ranges::find(overload.params, type) - overload.params.begin()];
    }
    std::vector<const Type*> params;
    for (const Type* param : type->params) params.push_back(instance(param, overload, fresh));
    return types_.with(*type, std::move(params));
  }

  // The type of an optional element's value; others' are themselves.
  const Type* value_type(const Expr& value, bool optional) {
    const Type* type = value.type;
    if (!optional) return type;
    if (is_optional(*type)) return type->params[0];
    if (!is_dyn(*type)) report_mismatch(value.offset, *types_.optional(type), *type);
    return type;
  }

  // What lists and maps hold has one type.
  const Type* join(const Expr& expr, const Type* before, const Type* type) {
    if (!before) return type;
    if (unifier_.assignable(before, type)) return unifier_.most_general(before, type);
    report_mismatch(expr.offset, *before, *type);
    return error();
  }

  void check_list(Expr& expr) {
    const Type* items = nullptr;
    for (size_t i = 0; i < expr.args.size(); ++i) {
      Expr& item = *expr.args[i];
      check(item);
      bool optional = !expr.optional_items.empty() && expr.optional_items[i];
      items = join(item, items, value_type(item, optional));
    }
    expr.type = types_.list(items ? items : unifier_.fresh());
  }

  void check_map(Expr& expr) {
    const Type* keys = nullptr;
    const Type* values = nullptr;
    for (Entry& entry : expr.entries) {
      check(*entry.key);
      keys = join(*entry.key, keys, entry.key->type);
      check(*entry.value);
      values = join(*entry.value, values, value_type(*entry.value, entry.optional));
    }
    if (!keys) keys = unifier_.fresh();
    if (!values) values = unifier_.fresh();
    expr.type = types_.map(keys, values);
  }

  void check_struct(Expr& expr) {
    const Type* named = find_identifier(expr.name);
    expr.type = error();
    if (!named) return report_undeclared(expr, expr.name);
    expr.name = bare(expr.name);
    if (named->kind != TypeKind::kType) {
      report(expr.offset, "'" + std::string(named->name) + "' is not a type");
    } else if (named->params.empty() || named->params[0]->kind != TypeKind::kStruct) {
      std::string_view name = named->params.empty() ? named->name : named->params[0]->name;
      report(expr.offset, "'" + std::string(name) + "' is not a message type");
    } else {
      expr.type = named->params[0];
    }
    for (Entry& entry : expr.entries) {
      check(*entry.value);
      const Type* field = object_field(entry.offset, expr.name, entry.name);
      const Type* value = value_type(*entry.value, entry.optional);
      if (unifier_.assignable(field, value)) continue;
      report(entry.offset, "expected type of field '" + std::string(entry.name) + "' is '" +
                               type_text(*field) + "' but provided type is '" + type_text(*value) +
                               "'");
    }
  }

  void check_comprehension(Expr& expr) {
    Comprehension& loop = expr.loop;
    check(*loop.range);
    check(*loop.init);
    const Type* range = unifier_.substitute(loop.range->type, false);
    const Type* accu = loop.init->type;
    size_t outer = scope_.size();
    scope_.push_back({loop.accu, accu});
    add_variables(loop, *range);
    check(*loop.condition);
    assert_type(*loop.condition, simple(TypeKind::kBool));
    check(*loop.step);
    assert_type(*loop.step, accu);
    scope_.resize(outer + 1);
    check(*loop.result);
    scope_.resize(outer);
    expr.type = unifier_.substitute(loop.result->type, false);
  }

  void add_variables(const Comprehension& loop, const Type& range) {
    const Type* first = error();
    const Type* second = error();
    switch (range.kind) {
      case TypeKind::kList:
        first = loop.var2.empty() ? range.params[0] : simple(TypeKind::kInt);
        second = range.params[0];
        break;
      case TypeKind::kMap:
        first = range.params[0];
        second = range.params[1];
        break;
      case TypeKind::kDyn:
      case TypeKind::kError:
      case TypeKind::kParam:
        unifier_.assignable(dyn(), &range);
        first = second = dyn();
        break;
      default:
        report(loop.range->offset,
               "expression of type '" + type_text(range) +
                   "' cannot be range of a comprehension (must be list, map, or dynamic)");
    }
    scope_.push_back({loop.var, first});
    if (!loop.var2.empty()) scope_.push_back({loop.var2, second});
  }

  void assert_type(const Expr& expr, const Type* type) {
    if (!unifier_.assignable(type, expr.type)) report_mismatch(expr.offset, *type, *expr.type);
  }

  Ast& ast_;
  const Environment& environment_;
  TypeTable& types_;
  Issues& issues_;
  size_t max_steps_;
  Unifier unifier_;
  std::vector<Variable> scope_;
};

}  // namespace

void check(Ast& ast, const Environment& environment, TypeTable& types, Issues& issues) {
  Checker(ast, environment, types, issues).run();
}

}  // namespace tiphys::cel
