#include "crypto/jose_header.h"

#include <set>

namespace tiphys::crypto {
namespace {

constexpr int kMaxDepth = 16;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<JoseHeader> header() {
    JoseHeader result;
    std::set<std::string> seen;
    if (!take('{')) return std::nullopt;
    if (take('}')) return at_end() ? std::optional(result) : std::nullopt;
    do {
      std::string name;
      if (!string(name) || !seen.insert(name).second || !take(':')) return std::nullopt;
      if (!member(name, result)) return std::nullopt;
    } while (take(','));
    if (!take('}') || !at_end()) return std::nullopt;
    return result;
  }

 private:
  bool member(const std::string& name, JoseHeader& result) {
    if (name == "alg") return string(result.algorithm);
    if (name == "kid") return string(result.key_id);
    if (name == "crit") result.critical = true;
    return skip_value(0);
  }

  void skip_space() {
    while (!text_.empty() && std::string_view(" \t\r\n").find(text_[0]) != text_.npos) {
      text_.remove_prefix(1);
    }
  }

  bool take(char c) {
    skip_space();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool at_end() {
    skip_space();
    return text_.empty();
  }

  // A string; only the simple escapes, which is all that key ids and algorithm names need.
  bool string(std::string& out) {
    if (!take('"')) return false;
    while (!text_.empty()) {
      char c = text_[0];
      text_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') {
        if (text_.empty() || std::string_view("\"\\/").find(text_[0]) == text_.npos) return false;
        c = text_[0];
        text_.remove_prefix(1);
      }
      out += c;
    }
    return false;
  }

  bool skip_list(char close, bool named, int depth) {
    if (take(close)) return true;
    do {
      std::string name;
      if (named && (!string(name) || !take(':'))) return false;
      if (!skip_value(depth + 1)) return false;
    } while (take(','));
    return take(close);
  }

  bool skip_value(int depth) {
    if (depth > kMaxDepth) return false;
    skip_space();
    if (text_.empty()) return false;
    std::string ignored;
    if (text_[0] == '"') return string(ignored);
    if (take('{')) return skip_list('}', true, depth);
    if (take('[')) return skip_list(']', false, depth);
    size_t end = text_.find_first_not_of("truefalsn0123456789+-.E");
    if (end == 0) return false;
    text_.remove_prefix(std::min(end, text_.size()));
    return true;
  }

  std::string_view text_;
};

}  // namespace

std::optional<JoseHeader> parse_jose_header(std::string_view json) {
  if (json.size() > kMaxJoseHeaderBytes) return std::nullopt;
  return Reader(json).header();
}

}  // namespace tiphys::crypto
