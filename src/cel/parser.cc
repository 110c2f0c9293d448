// A recursive descent over the grammar, a function a rule. Choices look as far ahead as ANTLR's
// parser of the same grammar does before it says that no alternative is viable.
#include "cel/parser.h"

#include <algorithm>

#include "cel/ast_builder.h"
#include "cel/token_stream.h"

namespace tiphys::cel {
namespace {

using enum TokenKind;

constexpr TokenSet kLiteralStart =
    tokens(kMinus, kInt, kUint, kFloat, kString, kBytes, kTrue, kFalse, kNull);
constexpr TokenSet kPrimaryStart =
    kLiteralStart | tokens(kDot, kIdentifier, kLeftParen, kLeftBracket, kLeftBrace);
constexpr TokenSet kExprStart = kPrimaryStart | bit(kExclamation);
constexpr TokenSet kOptExprStart = kExprStart | bit(kQuestion);
constexpr TokenSet kEscapeIdentStart = tokens(kIdentifier, kEscapedIdentifier);
constexpr TokenSet kRelationOperators =
    tokens(kEquals, kNotEquals, kIn, kLess, kLessEquals, kGreaterEquals, kGreater);
constexpr TokenSet kProducts = tokens(kStar, kSlash, kPercent);
constexpr TokenSet kSums = tokens(kPlus, kMinus);
constexpr TokenSet kMembers = tokens(kDot, kLeftBracket);
constexpr TokenSet kCommaOrEnd = bit(kComma) | kRuleEnds;

class Parser {
 public:
  Parser(const Source& source, bool bind, Ast& ast, Issues& syntax, Issues& semantic)
      : ast_(ast), issues_(semantic), build_(ast, bind, semantic), in_(source, syntax) {}

  void run() {
    in_.enter(Rule::kStart, 0);
    Expr* root = expr(bit(kEnd));
    bool ok = in_.match(kEnd, kRuleEnds);
    in_.leave(Rule::kStart, !ok);
    ast_.set_root(root);
  }
  bool aborted() const { return in_.aborted(); }

 private:
  // Rules. Each takes what may follow it.

  Expr* expr(TokenSet follow) {
    Token first = in_.token();
    in_.enter(Rule::kExpr, follow);
    Expr* result = conditional_or(bit(kQuestion) | kRuleEnds);
    bool ok = !in_.aborted();
    if (ok && in_.next_is(bit(kQuestion))) {
      Token op = in_.take();
      Expr* yes = conditional_or(bit(kColon));
      ok = in_.match(kColon, kExprStart);
      Expr* no = ok ? expr(kRuleEnds) : build_.unspecified(first.start);
      result = build_.call(op.start, operators::kConditional, nullptr, {result, yes, no}, true);
    }
    in_.leave(Rule::kExpr, !ok);
    return result;
  }

  Expr* conditional_or(TokenSet follow) {
    return logic(Rule::kConditionalOr, follow, kOr, operators::kOr, &Parser::conditional_and);
  }

  Expr* conditional_and(TokenSet follow) {
    return logic(Rule::kConditionalAnd, follow, kAnd, operators::kAnd, &Parser::relation_rule);
  }

  Expr* logic(Rule rule, TokenSet follow, TokenKind op, std::string_view function,
              Expr* (Parser::*term)(TokenSet)) {
    in_.enter(rule, follow);
    std::vector<Expr*> terms{(this->*term)(bit(op) | kRuleEnds)};
    std::vector<int32_t> offsets;
    while (!in_.aborted() && in_.next_is(bit(op))) {
      offsets.push_back(in_.take().start);
      terms.push_back((this->*term)(bit(op) | kRuleEnds));
    }
    in_.leave(rule, false);
    return build_.logic(function, terms, offsets);
  }

  Expr* relation_rule(TokenSet follow) { return relation(follow, 0); }

  Expr* relation(TokenSet follow, int precedence) {
    in_.enter(Rule::kRelation, follow);
    Expr* left = calc(kRelationOperators | kRuleEnds, 0);
    int turns = 0;
    while (!in_.aborted() && precedence == 0 && in_.next_is(kRelationOperators)) {
      Token op = in_.take();
      Expr* right = relation(kRelationOperators | kRuleEnds, 1);
      left = build_.call(op.start, operator_name(op.kind), nullptr, {left, right}, true);
      ++turns;
    }
    in_.leave(Rule::kRelation, false, turns);
    return left;
  }

  // precedence: 0 takes sums, up to 1 products, 2 none.
  Expr* calc(TokenSet follow, int precedence) {
    constexpr TokenSet kNext = kProducts | kSums | kRuleEnds;
    in_.enter(Rule::kCalc, follow);
    Expr* left = unary(kNext);
    int turns = 0;
    TokenSet ops = precedence == 0 ? kProducts | kSums : precedence == 1 ? kProducts : 0;
    while (!in_.aborted() && in_.next_is(ops)) {
      Token op = in_.take();
      Expr* right = calc(kNext, kSums & bit(op.kind) ? 1 : 2);
      left = build_.call(op.start, operator_name(op.kind), nullptr, {left, right}, true);
      ++turns;
    }
    in_.leave(Rule::kCalc, false, turns);
    return left;
  }

  Expr* unary(TokenSet follow) {
    Token first = in_.token();
    in_.enter(Rule::kUnary, follow);
    bool ok = in_.sync(kExprStart);
    Expr* result = nullptr;
    if (ok && in_.next_is(bit(kExclamation))) {
      result = logical_not();
    } else if (ok && in_.next_is(bit(kMinus))) {
      ok = minus(result);
    } else if (ok && (in_.next_is(kPrimaryStart) || (ok = in_.no_alternative(0)))) {
      result = member(kRuleEnds);
    }
    in_.leave(Rule::kUnary, !ok);
    return result ? result : build_.unspecified(first.start);
  }

  Expr* logical_not() {
    Token first = in_.take();
    int count = 1;
    in_.sync_loop(kExprStart);
    while (!in_.aborted() && in_.next_is(bit(kExclamation))) {
      in_.take();
      ++count;
      in_.sync_loop(kExprStart);
    }
    Expr* operand = member(kRuleEnds);
    if (count % 2 == 0) return operand;
    return build_.call(first.start, operators::kNot, nullptr, {operand}, false);
  }

  bool number_ahead(size_t ahead) const {
    return (bit(in_.peek(ahead)) & tokens(kInt, kFloat)) != 0;
  }

  // -1 is a literal, -x a call; only what follows a number tells that it is no error.
  bool minus(Expr*& result) {
    if (number_ahead(1)) {
      TokenSet next = kMembers | in_.expected(kRuleEnds);
      if (!(next & bit(in_.peek(2)))) return in_.no_alternative(2);
      result = member(kRuleEnds);
      return true;
    }
    if (!(bit(in_.peek(1)) & kPrimaryStart)) return in_.no_alternative(1);
    Token first = in_.take();
    int count = 1;
    while (!in_.aborted() && in_.next_is(bit(kMinus))) {
      if (!(bit(in_.peek(1)) & kPrimaryStart)) return in_.no_alternative(1);
      in_.take();
      ++count;
    }
    result = member(kRuleEnds);
    if (count % 2 != 0)
      result = build_.call(first.start, operators::kNegate, nullptr, {result}, false);
    return true;
  }

  Expr* member(TokenSet follow) {
    in_.enter(Rule::kMember, follow);
    Expr* result = primary(kMembers | kRuleEnds);
    int turns = 0;
    bool ok = true;
    while (ok && !in_.aborted() && in_.next_is(kMembers)) {
      ok = in_.next_is(bit(kDot)) ? dot_member(result) : index_member(result);
      ++turns;
    }
    in_.leave(Rule::kMember, !ok, turns);
    return result;
  }

  bool dot_member(Expr*& operand) {
    constexpr TokenSet kNext = kMembers | kRuleEnds;
    TokenKind second = in_.peek(1);
    if (!(bit(second) & (kEscapeIdentStart | bit(kQuestion)))) return in_.no_alternative(1);
    Token op = in_.take();
    if (second == kIdentifier && in_.peek(1) == kLeftParen) {
      Token id = in_.take();
      Token open = in_.take();
      std::vector<Expr*> args;
      bool ok = arguments(args) && in_.match(kRightParen, kNext);
      operand = build_.call(open.start, in_.text(id), operand, std::move(args), true);
      return ok;
    }
    bool optional = in_.next_is(bit(kQuestion));
    if (optional) in_.take();
    Token id;
    if (!escape_ident(kNext, id)) {
      operand = build_.unspecified(op.start);
      return true;
    }
    operand = select(op, operand, id, optional);
    return true;
  }

  Expr* select(const Token& op, Expr* operand, const Token& id, bool optional) {
    if (id.kind == kEscapedIdentifier) return build_.error(id.start, "unsupported syntax: '`'");
    if (optional) {
      Expr* field = build_.literal(id.start, build_.keep(std::string(in_.text(id))));
      return build_.call(op.start, operators::kOptionalSelect, nullptr, {operand, field}, true);
    }
    return build_.select(op.start, operand, in_.text(id));
  }

  bool index_member(Expr*& operand) {
    Token op = in_.take();
    bool ok = in_.sync(kOptExprStart);
    if (!ok) return false;
    bool optional = in_.next_is(bit(kQuestion));
    if (optional) in_.take();
    Expr* index = expr(bit(kRightBracket));
    ok = in_.match(kRightBracket, kMembers | kRuleEnds);
    operand = build_.call(op.start, optional ? operators::kOptionalIndex : operators::kIndex,
                          nullptr, {operand, index}, true);
    return ok;
  }

  // What stands between the parentheses of a call.
  bool arguments(std::vector<Expr*>& list) {
    if (!in_.sync(kExprStart | bit(kRightParen))) return false;
    if (!in_.next_is(kExprStart)) return true;
    in_.enter(Rule::kExprList, bit(kRightParen));
    list.push_back(expr(kCommaOrEnd));
    while (!in_.aborted() && in_.next_is(bit(kComma))) {
      in_.take();
      list.push_back(expr(kCommaOrEnd));
    }
    in_.leave(Rule::kExprList, false);
    return !in_.aborted();
  }

  Expr* primary(TokenSet follow) {
    Token first = in_.token();
    in_.enter(Rule::kPrimary, follow);
    Expr* result = nullptr;
    bool ok = in_.sync(kPrimaryStart) && alternatives(result);
    in_.leave(Rule::kPrimary, !ok);
    return result ? result : build_.unspecified(first.start);
  }

  bool alternatives(Expr*& result) {
    if (in_.next_is(tokens(kDot, kIdentifier))) return named(result);
    if (in_.next_is(bit(kLeftParen))) {
      in_.take();
      result = expr(bit(kRightParen));
      return in_.match(kRightParen, kRuleEnds);
    }
    if (in_.next_is(bit(kLeftBracket))) return list(result);
    if (in_.next_is(bit(kLeftBrace))) return map(result);
    if (!in_.next_is(kLiteralStart)) return in_.no_alternative(0);
    result = literal(kRuleEnds);
    return true;
  }

  // An identifier, a call or a message: a.b.c{...} is the latter.
  bool named(Expr*& result) {
    size_t name = in_.next_is(bit(kDot)) ? 1 : 0;
    if (in_.peek(name) != kIdentifier) return in_.no_alternative(name);
    size_t end = name + 1;
    while (in_.peek(end) == kDot && in_.peek(end + 1) == kIdentifier) end += 2;
    if (in_.peek(end) == kLeftBrace) return message(result, end);
    Token first = in_.token();
    std::string id(name == 1 ? (in_.take(), ".") : "");
    Token word = in_.take();
    std::string_view text = in_.text(word);
    id += text;
    bool reserved = is_reserved(text);
    bool is_call = in_.next_is(bit(kLeftParen));
    if (!is_call) {
      result = reserved ? build_.error(first.start, "reserved identifier: " + std::string(text))
                        : build_.ident(word.start, std::move(id));
      return true;
    }
    Token open = in_.take();
    std::vector<Expr*> args;
    bool ok = arguments(args) && in_.match(kRightParen, kRuleEnds);
    result = reserved ? build_.error(first.start, "reserved identifier: " + std::string(text))
                      : build_.call(open.start, id, nullptr, std::move(args), false);
    return ok;
  }

  // The elements of a list, and which are optional.
  bool list(Expr*& result) {
    Token open = in_.take();
    result = build_.node(ExprKind::kList, open.start);
    if (!in_.sync(kOptExprStart | tokens(kComma, kRightBracket))) return false;
    if (in_.next_is(kOptExprStart)) list_init(*result);
    return end_of_items(kRightBracket);
  }

  void list_init(Expr& list) {
    in_.enter(Rule::kListInit, tokens(kComma, kRightBracket));
    bool more = true;
    while (more) {
      bool optional = false;
      Expr* item = optional_expr(kCommaOrEnd, optional);
      list.args.push_back(item);
      list.height = std::max(list.height, item->height);
      if (optional) list.optional_items.resize(list.args.size());
      if (optional) list.optional_items.back() = true;
      more = !in_.aborted() && comma_before(kOptExprStart);
      if (more) in_.take();
    }
    if (!list.optional_items.empty()) list.optional_items.resize(list.args.size());
    in_.leave(Rule::kListInit, false);
  }

  bool comma_before(TokenSet next) const {
    return in_.next_is(bit(kComma)) && (next & bit(in_.peek(1)));
  }

  Expr* optional_expr(TokenSet follow, bool& optional) {
    Token first = in_.token();
    in_.enter(Rule::kOptExpr, follow);
    bool ok = in_.sync(kOptExprStart);
    optional = ok && in_.next_is(bit(kQuestion));
    if (optional) in_.take();
    Expr* item = ok ? expr(kRuleEnds) : build_.unspecified(first.start);
    in_.leave(Rule::kOptExpr, !ok);
    return item;
  }

  bool map(Expr*& result) {
    Token open = in_.take();
    result = build_.node(ExprKind::kMap, open.start);
    if (!in_.sync(kOptExprStart | tokens(kComma, kRightBrace))) return false;
    if (in_.next_is(kOptExprStart)) {
      in_.enter(Rule::kMapInitializerList, tokens(kComma, kRightBrace));
      bool ok = entries(*result, false);
      in_.leave(Rule::kMapInitializerList, !ok);
    }
    return end_of_items(kRightBrace);
  }

  bool message(Expr*& result, size_t brace) {
    std::string name;
    for (size_t i = 0; i < brace; ++i) name += in_.text(in_.take());
    Token open = in_.take();
    result = build_.node(ExprKind::kStruct, open.start);
    result->name = build_.keep(std::move(name));
    constexpr TokenSet kStart = kEscapeIdentStart | bit(kQuestion);
    if (!in_.sync(kStart | tokens(kComma, kRightBrace))) return false;
    if (in_.next_is(kStart)) {
      in_.enter(Rule::kFieldInitializerList, tokens(kComma, kRightBrace));
      bool ok = entries(*result, true);
      in_.leave(Rule::kFieldInitializerList, !ok);
    }
    return end_of_items(kRightBrace);
  }

  bool end_of_items(TokenKind close) {
    if (!in_.sync(tokens(kComma, close))) return false;
    if (in_.next_is(bit(kComma))) in_.take();
    return in_.match(close, kRuleEnds);
  }

  bool entries(Expr& holder, bool fields) {
    bool more = true;
    while (more) {
      Entry entry;
      bool valid = true;
      if (fields) {
        valid = field_name(entry);
      } else {
        entry.key = optional_expr(bit(kColon), entry.optional);
      }
      Token colon;
      if (!in_.match(kColon, kExprStart, &colon)) return false;
      entry.offset = colon.start;
      entry.value = expr(kCommaOrEnd);
      if (entry.key) holder.height = std::max(holder.height, entry.key->height);
      holder.height = std::max(holder.height, entry.value->height);
      if (valid) holder.entries.push_back(entry);
      more = !in_.aborted() &&
             comma_before(fields ? kEscapeIdentStart | bit(kQuestion) : kOptExprStart);
      if (more) in_.take();
    }
    return true;
  }

  // False: there is no name to use.
  bool field_name(Entry& entry) {
    in_.enter(Rule::kOptField, bit(kColon));
    bool ok = in_.sync(kEscapeIdentStart | bit(kQuestion));
    entry.optional = ok && in_.next_is(bit(kQuestion));
    if (entry.optional) in_.take();
    Token id;
    bool named = ok && escape_ident(kRuleEnds, id);
    in_.leave(Rule::kOptField, !ok);
    if (named && id.kind == kEscapedIdentifier) {
      issues_.add(id.start, "unsupported syntax: '`'");
      return false;
    }
    entry.name = build_.keep(std::string(in_.text(id)));
    return named;
  }

  bool escape_ident(TokenSet follow, Token& id) {
    in_.enter(Rule::kEscapeIdent, follow);
    bool ok = in_.sync(kEscapeIdentStart);
    bool found = ok && in_.next_is(kEscapeIdentStart);
    if (found) id = in_.take();
    if (ok && !found) ok = in_.no_alternative(0);
    in_.leave(Rule::kEscapeIdent, !ok);
    return found;
  }

  Expr* literal(TokenSet follow) {
    Token first = in_.token();
    in_.enter(Rule::kLiteral, follow);
    bool negative = in_.next_is(bit(kMinus));
    bool ok = !negative || number_ahead(1) || in_.no_alternative(1);
    Expr* result = nullptr;
    if (ok) {
      if (negative) in_.take();
      Token token = in_.take();
      result = build_.literal_of(first.start, token.kind, in_.text(token), negative);
    }
    in_.leave(Rule::kLiteral, !ok);
    return result ? result : build_.unspecified(first.start);
  }

  Ast& ast_;
  Issues& issues_;
  AstBuilder build_;
  TokenStream in_;
};

}  // namespace

bool is_reserved(std::string_view name) {
  static constexpr std::string_view kReserved[] = {
      "as",        "break", "const",  "continue", "else", "false", "for",
      "function",  "if",    "import", "in",       "let",  "loop",  "package",
      "namespace", "null",  "return", "true",     "var",  "void",  "while"};
  return std::ranges::count(kReserved, name) > 0;
}

Ast parse(const Source& source, bool bind, Issues& issues) {
  Ast ast(kFreeNodes + kNodesPerCodePoint * static_cast<size_t>(source.size()));
  if (source.size() > kMaxExpressionSize) {
    issues.add(kNowhere,
               "expression code point size exceeds limit: size: " + std::to_string(source.size()) +
                   ", limit " + std::to_string(kMaxExpressionSize));
    return ast;
  }
  Issues semantic;
  Parser parser(source, bind, ast, issues, semantic);
  parser.run();
  if (parser.aborted()) return ast;
  if (ast.root()->height > kMaxHeight) {
    issues.add(kNowhere, "max recursion depth exceeded");
  } else if (ast.is_full()) {
    issues.add(kNowhere, "expression node limit exceeded: " + std::to_string(ast.max_nodes()));
  }
  for (const Issue& issue : semantic.list()) issues.add(issue.offset, issue.message);
  return ast;
}

}  // namespace tiphys::cel
