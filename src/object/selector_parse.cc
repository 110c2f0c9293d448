// The grammar of label selector texts: apimachinery's labels.Parser, error texts included.
#include <algorithm>

#include "base/strings.h"
#include "object/selector.h"

namespace tiphys {
namespace {

using Operator = LabelSelector::Operator;

enum class Token : uint8_t {
  kEnd,
  kIdentifier,
  kComma,
  kOpen,
  kClose,
  kNot,
  kIn,
  kNotIn,
  kEquals,
  kNotEquals,
  kGreaterThan,
  kLessThan,
  kError
};

struct Lexeme {
  Token token = Token::kEnd;
  std::string text;
};

std::vector<Lexeme> scan(std::string_view text) {
  static constexpr std::string_view kSymbols = "=!(),><";
  static constexpr std::string_view kSpace = " \t\r\n";
  std::vector<Lexeme> out;
  while (true) {
    size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    if (kSymbols.find(text[0]) == std::string_view::npos) {
      size_t n = std::min(text.find_first_of("=!(),>< \t\r\n"), text.size());
      std::string word(text.substr(0, n));
      Token token = word == "in"      ? Token::kIn
                    : word == "notin" ? Token::kNotIn
                                      : Token::kIdentifier;
      out.push_back({token, word});
      text.remove_prefix(n);
      continue;
    }
    size_t n = text.starts_with("==") || text.starts_with("!=") ? 2 : 1;
    static constexpr Token kTokens[] = {Token::kEquals,  Token::kNot,   Token::kOpen,
                                        Token::kClose,   Token::kComma, Token::kGreaterThan,
                                        Token::kLessThan};
    Token token = text.starts_with("!=") ? Token::kNotEquals : kTokens[kSymbols.find(text[0])];
    out.push_back({token, std::string(text.substr(0, n))});
    text.remove_prefix(n);
  }
  out.push_back({});
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexemes_(scan(text)) {}

  Result<LabelSelector> parse() {
    while (true) {
      const Lexeme& next = peek();
      if (next.token == Token::kEnd) return std::move(selector_);
      if (next.token != Token::kIdentifier && next.token != Token::kNot) {
        return found(next, "!, identifier, or 'end of string'");
      }
      if (auto done = requirement(); !done) {
        return ApiStatus::bad_request("unable to parse requirement: " + done.error().message());
      }
      Lexeme after = take();
      if (after.token == Token::kEnd) return std::move(selector_);
      if (after.token != Token::kComma) return found(after, "',' or 'end of string'");
      if (peek().token != Token::kIdentifier && peek().token != Token::kNot) {
        return found(peek(), "identifier after ','");
      }
    }
  }

 private:
  static ApiStatus found(const Lexeme& lexeme, std::string_view expected) {
    return ApiStatus::bad_request("found '" + lexeme.text +
                                  "', expected: " + std::string(expected));
  }

  // Where a value may stand, "in" and "notin" are names.
  Lexeme peek() const {
    Lexeme lexeme = lexemes_[at_];
    if (lexeme.token == Token::kIn || lexeme.token == Token::kNotIn) {
      lexeme.token = Token::kIdentifier;
    }
    return lexeme;
  }
  Lexeme take() {
    Lexeme lexeme = peek();
    if (at_ + 1 < lexemes_.size()) ++at_;
    return lexeme;
  }

  Result<void> requirement() {
    LabelSelector::Requirement made;
    Lexeme key = take();
    bool negated = key.token == Token::kNot;
    if (negated) key = take();
    if (key.token != Token::kIdentifier) return found(key, "identifier");
    made.key = key.text;
    if (auto problems = label_key_problems(made.key); !problems.empty()) {
      return ApiStatus::bad_request("<nil>: Invalid value: " + go_quote(made.key) + ": " +
                                    join(problems, "; "));
    }
    Token next = peek().token;
    if (negated || next == Token::kEnd || next == Token::kComma) {
      made.op = negated ? Operator::kDoesNotExist : Operator::kExists;
      return selector_.add(std::move(made));
    }
    if (auto done = operation(made); !done) return done;
    return selector_.add(std::move(made));
  }

  Result<void> operation(LabelSelector::Requirement& made) {
    Lexeme op = lexemes_[at_];
    if (at_ + 1 < lexemes_.size()) ++at_;
    switch (op.token) {
      case Token::kIn:
        made.op = Operator::kIn;
        return list(made.values);
      case Token::kNotIn:
        made.op = Operator::kNotIn;
        return list(made.values);
      case Token::kEquals:
        made.op = Operator::kEquals;
        break;
      case Token::kNotEquals:
        made.op = Operator::kNotEquals;
        break;
      case Token::kGreaterThan:
        made.op = Operator::kGreaterThan;
        break;
      case Token::kLessThan:
        made.op = Operator::kLessThan;
        break;
      default:
        return found(op, "in, notin, =, ==, !=, gt, lt");
    }
    Token next = peek().token;
    if (next == Token::kEnd || next == Token::kComma) {
      made.values.emplace_back();
      return {};
    }
    Lexeme value = take();
    if (value.token != Token::kIdentifier) return found(value, "identifier");
    made.values.push_back(value.text);
    return {};
  }

  // "(a, b)"; "()", "(a,)" and "(,)" hold empty values.
  Result<void> list(std::vector<std::string>& values) {
    Lexeme open = take();
    if (open.token != Token::kOpen) {
      return ApiStatus::bad_request("found '" + open.text + "' expected: '('");
    }
    Lexeme first = peek();
    if (first.token != Token::kIdentifier && first.token != Token::kComma &&
        first.token != Token::kClose) {
      return found(first, "',', ')' or identifier");
    }
    bool value_wanted = true;
    while (true) {
      Lexeme next = take();
      if (next.token == Token::kIdentifier && value_wanted) {
        values.push_back(next.text);
        value_wanted = false;
      } else if (next.token == Token::kComma) {
        if (value_wanted) values.emplace_back();
        value_wanted = true;
      } else if (next.token == Token::kClose) {
        if (value_wanted) values.emplace_back();
        return {};
      } else {
        return found(next, value_wanted ? "',', or identifier" : "',' or ')'");
      }
    }
  }

  std::vector<Lexeme> lexemes_;
  size_t at_ = 0;
  LabelSelector selector_;
};

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) { return Parser(text).parse(); }

}  // namespace tiphys
