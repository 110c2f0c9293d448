#include "apiserver/handlers/label_selector.h"

#include <algorithm>

#include "apiserver/validation/names.h"
#include "base/strings.h"

namespace tiphys::apiserver {

namespace {

enum class Token : uint8_t {
  kEnd,
  kWord,
  kIn,
  kNotIn,
  kComma,
  kOpen,
  kClose,
  kNot,
  kEquals,
  kNotEquals,
  kGreater,
  kLess
};

struct Lexeme {
  Token token = Token::kEnd;
  std::string_view text;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_special(char c) { return std::string_view("=!(),><").find(c) != std::string_view::npos; }

Lexeme symbol_of(std::string_view text) {
  if (text.starts_with("==")) return {Token::kEquals, text.substr(0, 2)};
  if (text.starts_with("!=")) return {Token::kNotEquals, text.substr(0, 2)};
  constexpr std::string_view kSymbols = ",()><=!";
  constexpr Token kTokens[] = {Token::kComma, Token::kOpen,   Token::kClose, Token::kGreater,
                               Token::kLess,  Token::kEquals, Token::kNot};
  return {kTokens[kSymbols.find(text[0])], text.substr(0, 1)};
}

// The lexeme at the start of text; "in" and "notin" are words where a value may stand.
Lexeme lex(std::string_view text) {
  if (text.empty() || text[0] == '\0') return {};
  if (is_special(text[0])) return symbol_of(text);
  size_t end = 0;
  while (end < text.size() && text[end] != '\0' && !is_special(text[end]) && !is_space(text[end])) {
    ++end;
  }
  std::string_view word = text.substr(0, end);
  return {word == "in" ? Token::kIn : word == "notin" ? Token::kNotIn : Token::kWord, word};
}

ApiStatus found(std::string_view text, std::string_view expected) {
  return ApiStatus::bad_request("found '" + std::string(text) +
                                "', expected: " + std::string(expected));
}

}  // namespace

class LabelSelectorParser {
 public:
  explicit LabelSelectorParser(std::string_view text) : rest_(text) {}

  Result<LabelSelector> parse() {
    LabelSelector selector;
    for (;;) {
      Lexeme first = peek();
      if (first.token == Token::kEnd) return selector;
      if (first.token != Token::kWord && first.token != Token::kNot) {
        return found(first.text, "!, identifier, or 'end of string'");
      }
      auto requirement = parse_requirement();
      if (!requirement) {
        return ApiStatus::bad_request("unable to parse requirement: " +
                                      requirement.error().message());
      }
      selector.requirements_.push_back(std::move(*requirement));
      Lexeme next = take();
      if (next.token == Token::kEnd) return selector;
      if (next.token != Token::kComma) return found(next.text, "',' or 'end of string'");
      Lexeme after = peek();
      if (after.token != Token::kWord && after.token != Token::kNot) {
        return found(after.text, "identifier after ','");
      }
    }
  }

 private:
  using Operator = LabelSelector::Operator;
  using Requirement = LabelSelector::Requirement;

  // As a value or key: there "in" and "notin" are words.
  Lexeme peek() {
    Lexeme next = peek_operator();
    if (next.token == Token::kIn || next.token == Token::kNotIn) next.token = Token::kWord;
    return next;
  }
  Lexeme peek_operator() {
    while (!rest_.empty() && is_space(rest_[0])) rest_.remove_prefix(1);
    return lex(rest_);
  }
  Lexeme take() {
    Lexeme next = peek();
    rest_.remove_prefix(next.text.size());
    return next;
  }

  Result<Requirement> parse_requirement() {
    Requirement requirement;
    Lexeme first = take();
    bool negated = first.token == Token::kNot;
    if (negated) first = take();
    if (first.token != Token::kWord) return found(first.text, "identifier");
    requirement.key = first.text;
    Messages bad = check_qualified_name(requirement.key);
    if (!bad.empty()) {
      return ApiStatus::bad_request("<nil>: Invalid value: " + go_quote(requirement.key) + ": " +
                                    join(bad, "; "));
    }
    Token next = peek().token;
    if (negated || next == Token::kEnd || next == Token::kComma) {
      requirement.op = negated ? Operator::kDoesNotExist : Operator::kExists;
      return requirement;
    }
    auto parsed = parse_operator(requirement);
    if (!parsed) return parsed.error();
    auto checked = check_values(requirement);
    if (!checked) return checked.error();
    return requirement;
  }

  Result<void> parse_operator(Requirement& requirement) {
    Lexeme next = peek_operator();
    rest_.remove_prefix(next.text.size());
    switch (next.token) {
      case Token::kIn:
      case Token::kNotIn:
        requirement.op = next.token == Token::kIn ? Operator::kIn : Operator::kNotIn;
        return parse_values(requirement);
      case Token::kEquals:
        requirement.op = Operator::kIn;
        break;
      case Token::kNotEquals:
        requirement.op = Operator::kNotIn;
        break;
      case Token::kGreater:
        requirement.op = Operator::kGreater;
        break;
      case Token::kLess:
        requirement.op = Operator::kLess;
        break;
      default:
        return found(next.text, "in, notin, =, ==, !=, gt, lt");
    }
    return parse_exact(requirement);
  }

  // "a=" asks for the empty value.
  Result<void> parse_exact(Requirement& requirement) {
    Token next = peek().token;
    Lexeme value;
    if (next != Token::kEnd && next != Token::kComma) {
      value = take();
      if (value.token != Token::kWord) return found(value.text, "identifier");
    }
    requirement.values.emplace_back(value.text);
    return {};
  }

  // "(a,b)"; an empty place is the empty value.
  Result<void> parse_values(Requirement& requirement) {
    Lexeme open = take();
    if (open.token != Token::kOpen) {
      return ApiStatus::bad_request("found '" + std::string(open.text) + "' expected: '('");
    }
    Lexeme first = peek();
    if (first.token != Token::kWord && first.token != Token::kComma &&
        first.token != Token::kClose) {
      return found(first.text, "',', ')' or identifier");
    }
    for (bool more = true; more;) {
      std::string_view value;
      if (peek().token == Token::kWord) value = take().text;
      requirement.values.emplace_back(value);
      Lexeme next = take();
      more = next.token == Token::kComma;
      if (!more && next.token != Token::kClose) {
        return value.empty() ? found(next.text, "',', or identifier")
                             : found(next.text, "',' or ')'");
      }
    }
    std::sort(requirement.values.begin(), requirement.values.end());
    auto twice = std::unique(requirement.values.begin(), requirement.values.end());
    requirement.values.erase(twice, requirement.values.end());
    return {};
  }

  static Result<void> check_values(const Requirement& requirement) {
    bool number = requirement.op == Operator::kGreater || requirement.op == Operator::kLess;
    std::vector<std::string> problems;
    for (size_t i = 0; i < requirement.values.size(); ++i) {
      const std::string& value = requirement.values[i];
      std::string invalid = "]: Invalid value: " + go_quote(value) + ": ";
      std::string place = "values[" + std::to_string(i);
      if (number && !parse_int(value)) {
        problems.push_back(place + invalid +
                           "for 'Gt', 'Lt' operators, the value must be an integer");
      }
      Messages bad = check_label_value(value);
      if (!bad.empty()) {
        problems.push_back(place + "][" + requirement.key + invalid + join(bad, "; "));
      }
    }
    if (problems.empty()) return {};
    std::string text = join(problems, ", ");
    return ApiStatus::bad_request(problems.size() > 1 ? "[" + text + "]" : text);
  }

  std::string_view rest_;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  return LabelSelectorParser(text).parse();
}

bool LabelSelector::holds(const Requirement& requirement, const Node& labels) {
  const Value& value = labels.find(requirement.key);
  bool there = !value.is_null();
  auto listed = [&] {
    return std::find(requirement.values.begin(), requirement.values.end(), value.as_text()) !=
           requirement.values.end();
  };
  switch (requirement.op) {
    case Operator::kIn:
      return there && listed();
    case Operator::kNotIn:
      return !there || !listed();
    case Operator::kExists:
      return there;
    case Operator::kDoesNotExist:
      return !there;
    case Operator::kGreater:
    case Operator::kLess:
      break;
  }
  auto number = parse_int(value.as_text());
  auto bound = parse_int(requirement.values.front());
  if (!there || !number || !bound) return false;
  return requirement.op == Operator::kGreater ? *number > *bound : *number < *bound;
}

bool LabelSelector::matches(const Node& labels) const {
  for (const Requirement& requirement : requirements_) {
    if (!holds(requirement, labels)) return false;
  }
  return true;
}

}  // namespace tiphys::apiserver
