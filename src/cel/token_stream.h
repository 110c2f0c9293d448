// TokenStream: the tokens of an expression with ANTLR's way of reporting and mending syntax errors,
// so that errors read as cel-go's.
//
// A rule of the grammar enters with the set of tokens that may follow where it is used, and leaves
// with what it matched or (after an error) past what could not be. A set that holds kRuleEnds says
// that the rule may end there, and then what follows the rule counts. When a step returns false,
// the rule is left at once; `leave` reports and recovers.
// Source of the behaviour: ANTLR 4's DefaultErrorStrategy ("The Definitive ANTLR 4 Reference", 9).
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cel/token.h"

namespace tiphys::cel {

inline constexpr TokenSet kRuleEnds = TokenSet{1} << 63;

// cel-go's limits; past them parsing ends with an error.
inline constexpr int kMaxRuleDepth = 250;
inline constexpr int kMaxRecoveries = 30;
inline constexpr int kMaxRecoveryTokens = 256;
inline constexpr size_t kMaxSyntaxErrors = 100;

enum class Rule : uint8_t {
  kStart,
  kExpr,
  kConditionalOr,
  kConditionalAnd,
  kRelation,
  kCalc,
  kUnary,
  kMember,
  kPrimary,
  kExprList,
  kListInit,
  kFieldInitializerList,
  kOptField,
  kMapInitializerList,
  kEscapeIdent,
  kOptExpr,
  kLiteral,
};
inline constexpr size_t kRules = 17;

class TokenStream {
 public:
  TokenStream(const Source& source, Issues& issues);

  TokenKind peek(size_t ahead = 0) const { return token(ahead).kind; }
  const Token& token(size_t ahead = 0) const;
  bool next_is(TokenSet set) const { return (set & bit(peek())) != 0; }
  std::string_view text(const Token& token) const { return source_.slice(token.start, token.end); }
  // After what cannot be mended; all steps fail.
  bool aborted() const { return aborted_; }

  void enter(Rule rule, TokenSet follow);
  // failed: a step of the rule was false. iterations: of a left-recursive rule.
  void leave(Rule rule, bool failed, int iterations = 0);

  // Takes a token of this kind; mends what is in the way if one deletion or insertion does. `after`
  // is what may come next in the rule. taken: null, or gets the token (of an insertion: where it
  // is missing, with kind kEnd).
  bool match(TokenKind kind, TokenSet after, Token* taken = nullptr);
  // Takes the token, whatever it is.
  Token take();
  // Before a choice: is what comes one of these?
  bool sync(TokenSet expected);
  // After a turn of a loop that something must follow: drops what fits neither.
  void sync_loop(TokenSet expected);
  // No alternative fits the tokens from here to `ahead` tokens on. Always false.
  bool no_alternative(size_t ahead);
  // What may come next here, by all rules that are open.
  TokenSet expected(TokenSet next) const;

 private:
  void report(const Token& at, std::string message);
  void report_unwanted(TokenSet expected);
  bool mismatch(TokenSet expected);
  bool delete_one(TokenSet expected);
  bool count_recovery();
  void recover(uint64_t state);
  void skip();
  void consume_until(TokenSet set);
  void abort(std::string message);
  void matched();
  std::string shown(const Token& token) const;

  const Source& source_;
  Issues& issues_;
  std::vector<Token> all_;         // blanks too
  std::vector<uint32_t> visible_;  // indexes of all_
  size_t at_ = 0;
  std::vector<TokenSet> follows_;
  std::array<int, kRules> depths_{};
  bool aborted_ = false;
  bool recovering_ = false;
  size_t errors_ = 0;
  int recoveries_ = 0;
  // Where the last error was, and at which points of rules errors were since the last match.
  size_t error_at_ = SIZE_MAX;
  std::vector<uint64_t> error_states_;
  // What the error of a false step reads, told at the end of the rule; and which step it was.
  std::string pending_;
  Token pending_at_;
  uint64_t failing_ = 0;
};

}  // namespace tiphys::cel
