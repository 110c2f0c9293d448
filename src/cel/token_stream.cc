#include "cel/token_stream.h"

#include <algorithm>

namespace tiphys::cel {
namespace {

// In quotes, white space written out.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    constexpr std::string_view kBlanks = "\t\n\r";
    constexpr std::string_view kLetters = "tnr";
    size_t at = kBlanks.find(c);
    if (at == std::string_view::npos) {
      out += c;
    } else {
      out.append({'\\', kLetters[at]});
    }
  }
  return out + "'";
}

}  // namespace

TokenStream::TokenStream(const Source& source, Issues& issues)
    : source_(source), issues_(issues), all_(tokenize(source, issues)) {
  for (uint32_t i = 0; i < all_.size(); ++i) {
    if (all_[i].kind != TokenKind::kBlank) visible_.push_back(i);
  }
  errors_ = issues.list().size();
}

const Token& TokenStream::token(size_t ahead) const {
  size_t at = std::min(at_ + ahead, visible_.size() - 1);
  return all_[visible_[at]];
}

Token TokenStream::take() {
  matched();
  Token taken = token();
  skip();
  return taken;
}

void TokenStream::skip() {
  if (peek() != TokenKind::kEnd) ++at_;
}

void TokenStream::matched() {
  recovering_ = false;
  error_at_ = SIZE_MAX;
  error_states_.clear();
}

void TokenStream::abort(std::string message) {
  if (!message.empty()) issues_.add(kNowhere, std::move(message));
  aborted_ = true;
}

void TokenStream::report(const Token& at, std::string message) {
  if (errors_++ < kMaxSyntaxErrors) {
    issues_.add(at.start, "Syntax error: " + message);
    return;
  }
  issues_.add(at.start,
              "Syntax error: More than " + std::to_string(kMaxSyntaxErrors) + " syntax errors");
  abort("");
}

std::string TokenStream::shown(const Token& token) const {
  return quoted(token.kind == TokenKind::kEnd ? "<EOF>" : text(token));
}

TokenSet TokenStream::expected(TokenSet next) const {
  TokenSet all = next & ~kRuleEnds;
  size_t depth = follows_.size();
  while ((next & kRuleEnds) && depth > 0) {
    next = follows_[--depth];
    all |= next & ~kRuleEnds;
  }
  return next & kRuleEnds ? all | bit(TokenKind::kEnd) : all;
}

void TokenStream::enter(Rule rule, TokenSet follow) {
  if (rule != Rule::kStart) follows_.push_back(follow);
  if (++depths_[static_cast<size_t>(rule)] <= kMaxRuleDepth || aborted_) return;
  abort("expression recursion limit exceeded: " + std::to_string(kMaxRuleDepth));
}

void TokenStream::leave(Rule rule, bool failed, int iterations) {
  if (failed && !aborted_) {
    if (!recovering_) {
      recovering_ = true;
      report(pending_at_, pending_);
    }
    recover(failing_ * kRules + static_cast<uint64_t>(rule));
  }
  // A turn of a left-recursive rule counts as left twice, as in cel-go.
  int& depth = depths_[static_cast<size_t>(rule)];
  depth = std::max(0, depth - 1 - iterations);
  if (rule != Rule::kStart) follows_.pop_back();
}

bool TokenStream::count_recovery() {
  if (recoveries_++ != kMaxRecoveries) return true;
  report(token(), "error recovery attempt limit exceeded: " + std::to_string(kMaxRecoveries));
  abort("");
  return false;
}

void TokenStream::recover(uint64_t state) {
  if (aborted_ || !count_recovery()) return;
  // A second error of the same rule at the same token: else it would not end.
  if (error_at_ == at_ && std::ranges::count(error_states_, state) > 0) skip();
  error_at_ = at_;
  error_states_.push_back(state);
  TokenSet set = 0;
  for (TokenSet follow : follows_) set |= follow & ~kRuleEnds;
  consume_until(set);
}

void TokenStream::consume_until(TokenSet set) {
  int taken = 0;
  while (peek() != TokenKind::kEnd && !next_is(set)) {
    if (taken++ == kMaxRecoveryTokens) {
      return abort("error recovery token lookahead limit exceeded: " +
                   std::to_string(kMaxRecoveryTokens));
    }
    ++at_;
  }
}

bool TokenStream::mismatch(TokenSet expected_set) {
  failing_ = expected_set;
  pending_at_ = token();
  pending_ = "mismatched input " + shown(token()) + " expecting " + set_text(expected_set);
  return false;
}

bool TokenStream::no_alternative(size_t ahead) {
  if (aborted_) return false;
  std::string input;
  for (uint32_t i = visible_[at_]; i <= visible_[std::min(at_ + ahead, visible_.size() - 1)]; ++i) {
    if (all_[i].kind != TokenKind::kEnd) input += text(all_[i]);
  }
  if (peek() == TokenKind::kEnd) input = "<EOF>";
  failing_ = ahead;
  pending_at_ = token(ahead);
  pending_ = "no viable alternative at input " + quoted(input);
  // cel-go's words for a keyword after one character.
  std::string_view word(input);
  if (!word.empty()) word.remove_prefix(1);
  if (word == "true" || word == "false" || word == "null") {
    pending_ = "mismatched input " + quoted(word) + " expecting IDENTIFIER";
  }
  return false;
}

void TokenStream::report_unwanted(TokenSet expected_set) {
  if (recovering_) return;
  recovering_ = true;
  report(token(), "extraneous input " + shown(token()) + " expecting " + set_text(expected_set));
}

bool TokenStream::delete_one(TokenSet expected_set) {
  if (!(expected_set & bit(peek(1)))) return false;
  report_unwanted(expected_set);
  skip();
  matched();
  return true;
}

bool TokenStream::sync(TokenSet set) {
  if (aborted_) return false;
  if (recovering_ || next_is(set) || (set & kRuleEnds)) return true;
  TokenSet all = expected(set);
  return delete_one(all) || mismatch(all);
}

void TokenStream::sync_loop(TokenSet set) {
  if (aborted_ || recovering_ || next_is(set)) return;
  TokenSet all = expected(set);
  report_unwanted(all);
  for (TokenSet follow : follows_) all |= follow & ~kRuleEnds;
  consume_until(all);
}

bool TokenStream::match(TokenKind kind, TokenSet after, Token* taken) {
  if (aborted_) return false;
  if (peek() == kind) {
    Token token = take();
    if (taken) *taken = token;
    return true;
  }
  if (!count_recovery()) return false;
  if (delete_one(bit(kind))) {
    Token token = take();
    if (taken) *taken = token;
    return true;
  }
  if (!(expected(after) & bit(peek()))) return mismatch(bit(kind));
  if (!recovering_) {
    recovering_ = true;
    report(token(), "missing " + set_text(bit(kind)) + " at " + shown(token()));
  }
  if (taken) *taken = {TokenKind::kEnd, token().start, token().start};
  return true;
}

}  // namespace tiphys::cel
