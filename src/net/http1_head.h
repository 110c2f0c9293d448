// Heads of HTTP/1.1 messages: strict parsers of hostile bytes and writers (RFC 9112).
//
// Pure. Refused, though some peers send or take them: bare CR, bare LF in requests, obs-fold, white
// space before
// ':', more than one Content-Length (even if equal), Transfer-Encoding with Content-Length or other
// than exactly "chunked", Transfer-Encoding in HTTP/1.0, no or several Host. What is ambiguous to
// two parsers is how requests are smuggled. Answers may end their lines with LF alone, as programs
// behind small servers (CGI) do and Go's client takes (RFC 9112, 2.2): we write them anew.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace tiphys::net {

inline constexpr size_t kMaxHeaderCount = 1000;
inline constexpr size_t kMaxMethodBytes = 32;

// How the body of a message ends.
struct BodyFraming {
  enum class Kind { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  uint64_t length = 0;
};

struct RequestHead {
  std::string method;
  std::string path;
  std::string query;
  std::string authority;
  int minor_version = 1;  // of HTTP/1.x
  Headers headers;
  BodyFraming framing;
  bool keep_alive = true;
  bool upgrade = false;  // "Connection: upgrade" with an Upgrade header
  bool expects_continue = false;
};

struct ResponseHead {
  int status = 0;
  int minor_version = 1;
  Headers headers;
  BodyFraming framing;
  bool keep_alive = true;
};

// Where the head at the start of `bytes` ends (after its empty line), or npos. Searches from
// `searched` bytes on, so that a trickling head isn't read again and again.
size_t find_head_end(std::string_view bytes, size_t searched);
size_t find_response_head_end(std::string_view bytes, size_t searched);

// `head` is the bytes up to and with the empty line. Errors carry the status to answer with:
// 400 for the most, 431, 501, 505.
Result<RequestHead> parse_request_head(std::string_view head);
// `request_method` decides whether a body follows (HEAD).
Result<ResponseHead> parse_response_head(std::string_view head, std::string_view request_method);

// "OK" for 200; "" for a number without a name.
std::string_view status_text(int status);
// Appends "content-type: x\r\n" as "Content-Type: x\r\n".
void append_header(std::string& out, std::string_view name, std::string_view value);
// A value or name taken from elsewhere that could break the framing (CR, LF, NUL).
bool is_safe_header(std::string_view name, std::string_view value);

}  // namespace tiphys::net
