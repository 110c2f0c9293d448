// Token: one word of an expression. The kinds stand in the order of the grammar's lexer rules,
// which is the order in which errors list them.
// Source: the CEL grammar (github.com/google/cel-spec doc/langdef.md, cel-go's CEL.g4).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cel/source.h"

namespace tiphys::cel {

enum class TokenKind : uint8_t {
  kEnd,
  kEquals,
  kNotEquals,
  kIn,
  kLess,
  kLessEquals,
  kGreaterEquals,
  kGreater,
  kAnd,
  kOr,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kLeftParen,
  kRightParen,
  kDot,
  kComma,
  kMinus,
  kExclamation,
  kQuestion,
  kColon,
  kPlus,
  kStar,
  kSlash,
  kPercent,
  kTrue,
  kFalse,
  kNull,
  kBlank,  // white space and comments: the parser does not see them
  kFloat,
  kInt,
  kUint,
  kString,
  kBytes,
  kIdentifier,
  kEscapedIdentifier,
};
inline constexpr int kTokenKinds = 37;

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int32_t start = 0;  // offsets in the source
  int32_t end = 0;
};

// All tokens, blanks too; the last is kEnd. What is no token is reported ("token recognition error
// at: '...'") and left out. Stops after kMaxIssues errors.
std::vector<Token> tokenize(const Source& source, Issues& issues);

// A set of token kinds, as a bit each.
using TokenSet = uint64_t;
constexpr TokenSet bit(TokenKind kind) { return TokenSet{1} << static_cast<int>(kind); }
template <class... Kinds>
constexpr TokenSet tokens(Kinds... kinds) {
  return (bit(kinds) | ...);
}
// As errors print it: {'[', IDENTIFIER}; a set of one has no braces.
std::string set_text(TokenSet set);

}  // namespace tiphys::cel
