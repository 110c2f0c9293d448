// The lexer: the longest match wins; of equal ones the first in the grammar (so `in` is no
// identifier). A failed match drops all it looked at, as ANTLR's lexers do.
#include <algorithm>

#include "cel/token.h"

namespace tiphys::cel {
namespace {

constexpr std::string_view kNames[kTokenKinds] = {
    "<EOF>",      "'=='",          "'!='",      "'in'",    "'<'",      "'<='",   "'>='",
    "'>'",        "'&&'",          "'||'",      "'['",     "']'",      "'{'",    "'}'",
    "'('",        "')'",           "'.'",       "','",     "'-'",      "'!'",    "'?'",
    "':'",        "'+'",           "'*'",       "'/'",     "'%'",      "'true'", "'false'",
    "'null'",     "WHITESPACE",    "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES",
    "IDENTIFIER", "ESC_IDENTIFIER"};

bool is_digit(int32_t c) { return c >= '0' && c <= '9'; }
bool is_letter(int32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(int32_t c) { return is_letter(c) || is_digit(c) || c == '_'; }
bool is_hex(int32_t c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_blank(int32_t c) { return c == '\t' || c == ' ' || c == '\r' || c == '\n' || c == '\f'; }
bool is_one_of(int32_t c, std::string_view set) {
  return c > 0 && c < 128 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

// What a matcher found: the end of the longest token (start: none) and how far it looked, which is
// where it failed.
struct Match {
  TokenKind kind = TokenKind::kEnd;
  int32_t end = 0;
  int32_t failed = 0;
};

class Lexer {
 public:
  Lexer(const Source& source, Issues& issues) : source_(source), issues_(issues) {}

  std::vector<Token> run() {
    while (at_ < source_.size() && issues_.list().size() < kMaxIssues) {
      Match match = longest();
      if (match.end > at_) {
        tokens_.push_back({match.kind, at_, match.end});
        at_ = match.end;
        continue;
      }
      issues_.add(at_, "Syntax error: token recognition error at: '" +
                           std::string(source_.slice(at_, match.failed + 1)) + "'");
      at_ = match.failed + 1;
    }
    tokens_.push_back({TokenKind::kEnd, source_.size(), source_.size()});
    return std::move(tokens_);
  }

 private:
  int32_t look(int32_t ahead) const { return source_.at(at_ + ahead); }

  Match longest() const {
    int32_t c = look(0);
    if (is_blank(c) || (c == '/' && look(1) == '/')) return blank();
    if (is_digit(c) || (c == '.' && is_digit(look(1)))) return number();
    if (c == '"' || c == '\'') return text(TokenKind::kString, 0);
    if (is_letter(c) || c == '_') return word();
    if (c == '`') return escaped();
    return sign();
  }

  Match blank() const {
    int32_t end = at_;
    if (look(0) == '/') {
      while (end < source_.size() && source_.at(end) != '\n') ++end;
    } else {
      while (is_blank(source_.at(end))) ++end;
    }
    return {TokenKind::kBlank, end, end};
  }

  int32_t digits(int32_t from) const {
    while (is_digit(source_.at(from))) ++from;
    return from;
  }

  // The end of an exponent at `from`, or `from`.
  int32_t exponent(int32_t from) const {
    if (!is_one_of(source_.at(from), "eE")) return from;
    int32_t start = from + (is_one_of(source_.at(from + 1), "+-") ? 2 : 1);
    int32_t end = digits(start);
    return end > start ? end : from;
  }

  Match number() const {
    if (look(0) == '0' && look(1) == 'x' && is_hex(look(2))) {
      int32_t end = at_ + 2;
      while (is_hex(source_.at(end))) ++end;
      return whole(end);
    }
    int32_t end = digits(at_);
    bool fraction = source_.at(end) == '.' && is_digit(source_.at(end + 1));
    int32_t last = exponent(fraction ? digits(end + 1) : end);
    if (fraction || last > end) return {TokenKind::kFloat, last, last};
    return whole(end);
  }

  Match whole(int32_t end) const {
    if (is_one_of(source_.at(end), "uU")) return {TokenKind::kUint, end + 1, end + 1};
    return {TokenKind::kInt, end, end};
  }

  // An identifier or keyword; r, b and br before a quote may start a longer token.
  Match word() const {
    int32_t end = at_;
    while (is_word(source_.at(end))) ++end;
    Match match{TokenKind::kIdentifier, end, end};
    std::string_view name = source_.slice(at_, end);
    if (name == "in") match.kind = TokenKind::kIn;
    if (name == "true") match.kind = TokenKind::kTrue;
    if (name == "false") match.kind = TokenKind::kFalse;
    if (name == "null") match.kind = TokenKind::kNull;
    if (name.size() > 2 || !is_one_of(source_.at(end), "\"'")) return match;
    bool bytes = is_one_of(look(0), "bB");
    bool raw = is_one_of(source_.at(end - 1), "rR");
    if (static_cast<size_t>(bytes) + static_cast<size_t>(raw) != name.size()) return match;
    Match quoted = text(bytes ? TokenKind::kBytes : TokenKind::kString, end - at_, raw);
    return quoted.end > end ? quoted : match;
  }

  Match escaped() const {
    int32_t end = at_ + 1;
    while (is_word(source_.at(end)) || is_one_of(source_.at(end), ".-/ ")) ++end;
    if (source_.at(end) != '`' || end == at_ + 1) return {TokenKind::kEnd, at_, end};
    return {TokenKind::kEscapedIdentifier, end + 1, end + 1};
  }

  // The end of an escape sequence that starts at `from`; failed at `end` if not ok.
  bool escape(int32_t from, int32_t& end) const {
    int32_t c = source_.at(from + 1);
    end = from + 1;
    if (is_one_of(c, "abfnrtv\"'\\?`")) return ++end, true;
    if (is_one_of(c, "0123")) {
      for (++end; end < from + 4; ++end) {
        if (!is_one_of(source_.at(end), "01234567")) return false;
      }
      return true;
    }
    int32_t count = is_one_of(c, "xX") ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (count == 0) return false;
    for (++end; end < from + 2 + count; ++end) {
      if (!is_hex(source_.at(end))) return false;
    }
    return true;
  }

  // One character of a literal; false: the match failed at `at`.
  bool element(int32_t& at, bool raw, bool triple) const {
    int32_t c = source_.at(at);
    if (c < 0) return false;
    if (!triple && (c == '\n' || c == '\r')) return false;
    if (c != '\\' || raw) return ++at, true;
    int32_t end = at;
    bool ok = escape(at, end);
    at = end;
    return ok;
  }

  // A literal whose quote stands `prefix` characters on.
  Match text(TokenKind kind, int32_t prefix, bool raw = false) const {
    int32_t quote = look(prefix);
    int32_t at = at_ + prefix + 1;
    bool empty = source_.at(at) == quote;
    if (empty && source_.at(at + 1) == quote) {
      Match triple = until(kind, at + 2, quote, raw, true);
      if (triple.end > at_) return triple;
    }
    if (empty) return {kind, at + 1, at + 1};
    return until(kind, at, quote, raw, false);
  }

  Match until(TokenKind kind, int32_t at, int32_t quote, bool raw, bool triple) const {
    while (true) {
      bool closes = source_.at(at) == quote;
      if (triple) closes = closes && source_.at(at + 1) == quote && source_.at(at + 2) == quote;
      if (closes) return {kind, at + (triple ? 3 : 1), at};
      if (!element(at, raw, triple)) return {kind, at_, at};
    }
  }

  Match sign() const {
    struct Sign {
      std::string_view text;
      TokenKind kind;
    };
    static constexpr Sign kSigns[] = {
        {"==", TokenKind::kEquals},     {"!=", TokenKind::kNotEquals},
        {"<=", TokenKind::kLessEquals}, {">=", TokenKind::kGreaterEquals},
        {"&&", TokenKind::kAnd},        {"||", TokenKind::kOr},
        {"<", TokenKind::kLess},        {">", TokenKind::kGreater},
        {"[", TokenKind::kLeftBracket}, {"]", TokenKind::kRightBracket},
        {"{", TokenKind::kLeftBrace},   {"}", TokenKind::kRightBrace},
        {"(", TokenKind::kLeftParen},   {")", TokenKind::kRightParen},
        {".", TokenKind::kDot},         {",", TokenKind::kComma},
        {"-", TokenKind::kMinus},       {"!", TokenKind::kExclamation},
        {"?", TokenKind::kQuestion},    {":", TokenKind::kColon},
        {"+", TokenKind::kPlus},        {"*", TokenKind::kStar},
        {"/", TokenKind::kSlash},       {"%", TokenKind::kPercent}};
    std::string_view rest = source_.slice(at_, at_ + 2);
    for (const Sign& sign : kSigns) {
      if (!rest.starts_with(sign.text)) continue;
      int32_t end = at_ + static_cast<int32_t>(sign.text.size());
      return {sign.kind, end, end};
    }
    bool half = is_one_of(look(0), "=&|");
    return {TokenKind::kEnd, at_, half ? at_ + 1 : at_};
  }

  const Source& source_;
  Issues& issues_;
  std::vector<Token> tokens_;
  int32_t at_ = 0;
};

}  // namespace

std::vector<Token> tokenize(const Source& source, Issues& issues) {
  return Lexer(source, issues).run();
}

std::string set_text(TokenSet set) {
  std::string out;
  int count = 0;
  for (int i = 0; i < kTokenKinds; ++i) {
    if (!(set >> i & 1)) continue;
    if (count++ > 0) out += ", ";
    out += kNames[i];
  }
  return count > 1 ? "{" + out + "}" : out;
}

}  // namespace tiphys::cel
