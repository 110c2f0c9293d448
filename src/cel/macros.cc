#include "cel/macros.h"

#include <array>

#include "cel/parser.h"

namespace tiphys::cel {
namespace {

constexpr std::string_view kAccumulator = "@result";
constexpr std::string_view kOldAccumulator = "__result__";
constexpr std::string_view kUnused = "#unused";
constexpr std::string_view kSortInput = "@__sortBy_input__";

class Expander {
 public:
  Expander(Ast& ast, Expr& call, Issues& issues)
      : ast_(ast), call_(call), args_(call.args), issues_(issues) {}

  // One-variable forms have the predicate at 1, two-variable ones at 2.
  Expr* all() {
    return loop(literal(true), fold(operators::kNotStrictlyFalse, accu()),
                fold(operators::kAnd, accu(), args_.back()), accu());
  }

  Expr* exists() {
    return loop(literal(false), fold(operators::kNotStrictlyFalse, fold(operators::kNot, accu())),
                fold(operators::kOr, accu(), args_.back()), accu());
  }

  Expr* exists_one() {
    Expr* more = fold(operators::kAdd, accu(), literal(int64_t{1}));
    return loop(literal(int64_t{0}), literal(true),
                fold(operators::kConditional, args_.back(), more, accu()),
                fold(operators::kEquals, accu(), literal(int64_t{1})));
  }

  // Its last argument, where the one before it (if there is one past the variables) is true.
  Expr* map() {
    return loop(make(ExprKind::kList), literal(true),
                filtered(fold(operators::kAdd, accu(), list({args_.back()}))), accu());
  }

  Expr* filter() {
    Expr* step = fold(operators::kAdd, accu(), list({args_[0]}));
    return loop(make(ExprKind::kList), literal(true),
                fold(operators::kConditional, args_[1], step, accu()), accu());
  }

  Expr* transform_map() {
    Expr* step = fold(operators::kMapInsert, accu(), ident(args_[0]->name), args_.back());
    return loop(make(ExprKind::kMap), literal(true), filtered(step), accu());
  }

  Expr* transform_entry() {
    Expr* step = fold(operators::kMapInsert, accu(), args_.back());
    return loop(make(ExprKind::kMap), literal(true), filtered(step), accu());
  }

  Expr* has() {
    if (args_[0]->kind != ExprKind::kSelect) {
      return error(*args_[0], "invalid argument to has() macro");
    }
    Expr* made = make(ExprKind::kSelect);
    made->name = args_[0]->name;
    made->args = args_[0]->args;
    made->test = true;
    return finish(made);
  }

  Expr* optional_map(bool flat) {
    if (args_[0]->kind != ExprKind::kIdent) {
      return error(*args_[0], std::string(flat ? "optFlatMap()" : "optMap()") +
                                  " variable name must be a simple identifier");
    }
    // The receiver is copied: what is too deep or too much is refused by the parser later.
    if (call_.height > kMaxHeight || ast_.is_full()) return &call_;
    Expr* some = bound(args_[0]->name, member("value", copy(*call_.target)), args_[1]);
    if (!flat) some = fold("optional.of", some);
    return finish(fold(operators::kConditional, member("hasValue", call_.target), some,
                       fold("optional.none")));
  }

  // cel.bind(name, value, expression)
  Expr* bind() {
    if (args_[0]->kind != ExprKind::kIdent) {
      return error(*args_[0], "cel.bind() variable names must be simple identifiers");
    }
    return finish(bound(args_[0]->name, args_[1], args_[2]));
  }

  Expr* sort_by() {
    ExprKind kind = call_.target->kind;
    if (kind == ExprKind::kUnspecified || kind == ExprKind::kLiteral || kind == ExprKind::kMap ||
        kind == ExprKind::kStruct) {
      return error(*call_.target,
                   "sortBy can only be applied to a list, identifier, comprehension, call or "
                   "select expression");
    }
    Expr* input = call_.target;
    call_.target = ident(kSortInput);
    if (!check_variables()) return &call_;
    Expr* keys = map();
    Expr* sorted = member("@sortByAssociatedKeys", ident(kSortInput));
    sorted->args = {keys};
    return finish(bound(kSortInput, input, sorted));
  }

  // False: the variables are no names, or names that cannot be used; reported, and call_ is what
  // the macro becomes.
  bool check_variables(size_t count = 1) {
    bool simple = call_.name == "map" || call_.name == "filter" || call_.name == "sortBy";
    for (size_t i = 0; i < count; ++i) {
      if (args_[i]->kind == ExprKind::kIdent) continue;
      error(*args_[i], simple ? "argument is not an identifier" : "argument must be a simple name");
      return false;
    }
    if (count == 2 && args_[0]->name == args_[1]->name) {
      error(*args_[1], "duplicate variable name: " + std::string(args_[0]->name));
      return false;
    }
    for (size_t i = 0; i < count; ++i) {
      if (args_[i]->name != kAccumulator && args_[i]->name != kOldAccumulator) continue;
      error(*args_[i], "iteration variable overwrites accumulator variable");
      return false;
    }
    variables_ = count;
    return true;
  }

  Expr* error(const Expr& at, std::string message) {
    issues_.add(at.offset, std::move(message));
    call_.kind = ExprKind::kUnspecified;
    call_.offset = at.offset;
    return &call_;
  }

 private:
  Expr* make(ExprKind kind) { return ast_.make(kind, call_.offset); }

  Expr* literal(Literal value) {
    Expr* made = make(ExprKind::kLiteral);
    made->literal = value;
    return made;
  }

  Expr* ident(std::string_view name) {
    Expr* made = make(ExprKind::kIdent);
    made->name = name;
    return made;
  }

  Expr* accu() { return ident(kAccumulator); }

  // The result with a variable in it: a loop over nothing.
  Expr* bound(std::string_view name, Expr* value, Expr* result) {
    Expr* made = make(ExprKind::kComprehension);
    made->loop = {.var = kUnused,
                  .accu = name,
                  .range = make(ExprKind::kList),
                  .init = value,
                  .condition = literal(false),
                  .step = ident(name),
                  .result = result};
    return made;
  }

  Expr* list(std::vector<Expr*> items) {
    Expr* made = make(ExprKind::kList);
    made->args = std::move(items);
    return made;
  }

  template <class... Args>
  Expr* fold(std::string_view function, Args... args) {
    Expr* made = make(ExprKind::kCall);
    made->name = function;
    made->args = {args...};
    return made;
  }

  Expr* member(std::string_view function, Expr* target) {
    Expr* made = make(ExprKind::kCall);
    made->name = function;
    made->target = target;
    return made;
  }

  // The step, where the predicate between the variables and the last argument holds.
  Expr* filtered(Expr* step) {
    if (args_.size() == variables_ + 1) return step;
    return fold(operators::kConditional, args_[variables_], step, accu());
  }

  Expr* loop(Expr* init, Expr* condition, Expr* step, Expr* result) {
    Expr* made = make(ExprKind::kComprehension);
    made->loop = {.var = args_[0]->name,
                  .var2 = variables_ == 2 ? args_[1]->name : std::string_view(),
                  .accu = kAccumulator,
                  .range = call_.target,
                  .init = init,
                  .condition = condition,
                  .step = step,
                  .result = result};
    return finish(made);
  }

  Expr* finish(Expr* made) {
    made->height = call_.height;
    return made;
  }

  Expr* copy(const Expr& from) {
    if (ast_.is_full()) return make(ExprKind::kUnspecified);
    Expr* made = ast_.make(from.kind, from.offset);
    *made = from;
    for (Expr*& arg : made->args) arg = copy(*arg);
    if (made->target) made->target = copy(*made->target);
    for (Entry& entry : made->entries) {
      if (entry.key) entry.key = copy(*entry.key);
      entry.value = copy(*entry.value);
    }
    if (from.kind != ExprKind::kComprehension) return made;
    for (Expr* Comprehension::* part :
         {&Comprehension::range, &Comprehension::init, &Comprehension::condition,
          &Comprehension::step, &Comprehension::result}) {
      made->loop.*part = copy(*(from.loop.*part));
    }
    return made;
  }

  Ast& ast_;
  Expr& call_;
  std::vector<Expr*>& args_;
  Issues& issues_;
  size_t variables_ = 1;
};

struct Macro {
  std::string_view name;
  size_t args;
  size_t variables;  // 0: checks its own
  Expr* (*expand)(Expander& expander);
};

constexpr auto kAll = [](Expander& e) { return e.all(); };
constexpr auto kExists = [](Expander& e) { return e.exists(); };
constexpr auto kExistsOne = [](Expander& e) { return e.exists_one(); };
constexpr auto kMap = [](Expander& e) { return e.map(); };
constexpr auto kTransformMap = [](Expander& e) { return e.transform_map(); };
constexpr auto kTransformEntry = [](Expander& e) { return e.transform_entry(); };

constexpr Macro kMacros[] = {
    {"all", 2, 1, kAll},
    {"all", 3, 2, kAll},
    {"exists", 2, 1, kExists},
    {"exists", 3, 2, kExists},
    {"exists_one", 2, 1, kExistsOne},
    {"exists_one", 3, 2, kExistsOne},
    {"existsOne", 2, 1, kExistsOne},
    {"existsOne", 3, 2, kExistsOne},
    {"map", 2, 1, kMap},
    {"map", 3, 1, kMap},
    {"filter", 2, 1, [](Expander& e) { return e.filter(); }},
    {"transformList", 3, 2, kMap},
    {"transformList", 4, 2, kMap},
    {"transformMap", 3, 2, kTransformMap},
    {"transformMap", 4, 2, kTransformMap},
    {"transformMapEntry", 3, 2, kTransformEntry},
    {"transformMapEntry", 4, 2, kTransformEntry},
    {"sortBy", 2, 0, [](Expander& e) { return e.sort_by(); }},
    {"optMap", 2, 0, [](Expander& e) { return e.optional_map(false); }},
    {"optFlatMap", 2, 0, [](Expander& e) { return e.optional_map(true); }},
};

}  // namespace

Expr* expand_macro(Ast& ast, Expr* call, bool bind, Issues& issues) {
  Expander expander(ast, *call, issues);
  if (!call->target) {
    return call->name == "has" && call->args.size() == 1 ? expander.has() : call;
  }
  bool on_cel = call->target->kind == ExprKind::kIdent && call->target->name == "cel";
  if (bind && on_cel && call->name == "bind" && call->args.size() == 3) return expander.bind();
  for (const Macro& macro : kMacros) {
    if (call->name != macro.name || call->args.size() != macro.args) continue;
    if (macro.variables > 0 && !expander.check_variables(macro.variables)) return call;
    return macro.expand(expander);
  }
  return call;
}

}  // namespace tiphys::cel
