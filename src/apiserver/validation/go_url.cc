#include "apiserver/validation/go_url.h"

#include <algorithm>

#include "base/status.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kHostMarks = "!$&'()*+,;=:[]<>\"-_.~";
constexpr std::string_view kUserMarks = "-._:~!$&'()*+,;=%@";
constexpr std::string_view kUserPlain = "-_.~$&+,;=";

// A problem's text; empty: none.
using Problem = std::string;

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What "%" escapes stand for. In a host only bytes that are no ASCII may be escaped.
Problem unescape(std::string_view text, bool host, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      std::string_view escape = text.substr(i, 3);
      int high = escape.size() == 3 ? hex_value(escape[1]) : -1;
      int low = escape.size() == 3 ? hex_value(escape[2]) : -1;
      bool wrong = high < 0 || low < 0 || (host && high < 8 && escape != "%25");
      if (wrong) return "invalid URL escape " + go_quote(escape);
      out += static_cast<char>(high * 16 + low);
      i += 2;
      continue;
    }
    bool plain = !host || static_cast<unsigned char>(c) >= 0x80 || is_alnum(c) ||
                 kHostMarks.find(c) != std::string_view::npos;
    if (!plain) return "invalid character " + go_quote(text.substr(i, 1)) + " in host name";
    out += c;
  }
  return {};
}

std::string escape_user(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    if (is_alnum(c) || kUserPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

Problem parse_host(std::string_view text, GoUrl& url) {
  size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    size_t end = text.rfind(']');
    if (end == std::string_view::npos) return "missing ']' in host";
    colon = end + 1;
  }
  std::string_view port = colon < text.size() ? text.substr(colon) : std::string_view();
  bool valid = port.empty() || (port[0] == ':' && std::ranges::all_of(port.substr(1), is_digit));
  if (!valid) return "invalid port " + go_quote(port) + " after host";
  return unescape(text, true, url.host);
}

Problem parse_user(std::string_view text, GoUrl& url) {
  bool valid = std::ranges::all_of(
      text, [](char c) { return is_alnum(c) || kUserMarks.find(c) != std::string_view::npos; });
  if (!valid) return "net/url: invalid userinfo";
  size_t colon = text.find(':');
  std::string name;
  std::string password;
  Problem problem = unescape(text.substr(0, colon), false, name);
  if (!problem.empty()) return problem;
  url.user = escape_user(name);
  if (colon == std::string_view::npos) return {};
  problem = unescape(text.substr(colon + 1), false, password);
  *url.user += ":" + escape_user(password);
  return problem;
}

Problem parse_authority(std::string_view text, GoUrl& url) {
  size_t at = text.rfind('@');
  if (at == std::string_view::npos) return parse_host(text, url);
  Problem problem = parse_host(text.substr(at + 1), url);
  return problem.empty() ? parse_user(text.substr(0, at), url) : problem;
}

// Takes the scheme off the text.
Problem cut_scheme(std::string_view& text, GoUrl& url) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == ':') {
      if (i == 0) return "missing protocol scheme";
      url.scheme = to_lower(text.substr(0, i));
      text.remove_prefix(i + 1);
      return {};
    }
    bool later = is_digit(c) || c == '+' || c == '-' || c == '.';
    if (!is_alpha(c) && !(later && i > 0)) return {};
  }
  return {};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

// A URL without its fragment.
Problem parse_rest(std::string_view text, GoUrl& url) {
  if (std::ranges::any_of(text, is_control)) return "net/url: invalid control character in URL";
  Problem problem = cut_scheme(text, url);
  if (!problem.empty()) return problem;
  if (size_t at = text.find('?'); at != std::string_view::npos) {
    url.query = text.substr(at + 1);
    text = text.substr(0, at);
  }
  if (!text.starts_with('/')) {
    if (!url.scheme.empty()) return {};
    if (text.substr(0, text.find('/')).find(':') != std::string_view::npos) {
      return "first path segment in URL cannot contain colon";
    }
  }
  if (text.starts_with("//") && (!url.scheme.empty() || !text.starts_with("///"))) {
    size_t path = std::min(text.find('/', 2), text.size());
    problem = parse_authority(text.substr(2, path - 2), url);
    if (!problem.empty()) return problem;
    text.remove_prefix(path);
  }
  std::string decoded;
  return unescape(text, false, decoded);
}

ApiStatus parse_error(std::string_view text, const Problem& problem) {
  return ApiStatus::bad_request("parse " + go_quote(text) + ": " + problem);
}

}  // namespace

Result<GoUrl> parse_go_url(std::string_view text) {
  GoUrl url;
  size_t hash = text.find('#');
  std::string_view before = text.substr(0, hash);
  Problem problem = parse_rest(before, url);
  if (!problem.empty()) return parse_error(before, problem);
  if (hash == std::string_view::npos) return url;
  problem = unescape(text.substr(hash + 1), false, url.fragment);
  if (!problem.empty()) return parse_error(text, problem);
  return url;
}

}  // namespace tiphys::apiserver
