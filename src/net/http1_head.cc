#include "net/http1_head.h"

#include <array>

#include "base/strings.h"

namespace tiphys::net {

namespace {

constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (char c : kTokenMarks) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kTokenChars = make_token_table();

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (unsigned char c : text) {
    if (!kTokenChars[c]) return false;
  }
  return true;
}

bool is_field_value(std::string_view text) {
  for (unsigned char c : text) {
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

bool is_target(std::string_view text) {
  if (text.empty()) return false;
  for (unsigned char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return true;
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

ApiStatus refuse(int code, std::string_view why) {
  return ApiStatus(code, code == 400 ? "BadRequest" : "", why);
}

// What the framing headers of a message say, before their rules are checked.
struct FramingFields {
  int content_lengths = 0;
  uint64_t length = 0;
  int transfer_encodings = 0;
  bool chunked = false;
  int hosts = 0;
  bool close = false;
  bool upgrade_option = false;
  bool upgrade_header = false;
  bool expects_continue = false;
};

Result<void> note_length(FramingFields& fields, std::string_view value) {
  if (++fields.content_lengths > 1) return refuse(400, "duplicate Content-Length");
  bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  auto length = digits ? parse_uint(value) : std::nullopt;
  if (!length || *length > (uint64_t{1} << 62)) return refuse(400, "bad Content-Length");
  fields.length = *length;
  return {};
}

void note_connection(FramingFields& fields, std::string_view value) {
  for (std::string_view option : split(value, ',')) {
    option = trim_blanks(option);
    if (equals_ignore_case(option, "close")) fields.close = true;
    if (equals_ignore_case(option, "upgrade")) fields.upgrade_option = true;
  }
}

Result<void> note_field(FramingFields& fields, std::string_view name, std::string_view value) {
  if (name == "content-length") return note_length(fields, value);
  if (name == "transfer-encoding") {
    ++fields.transfer_encodings;
    fields.chunked = equals_ignore_case(value, "chunked");
  } else if (name == "connection") {
    note_connection(fields, value);
  } else if (name == "host") {
    ++fields.hosts;
  } else if (name == "upgrade") {
    fields.upgrade_header = true;
  } else if (name == "expect") {
    if (!equals_ignore_case(value, "100-continue")) return refuse(417, "unknown Expect");
    fields.expects_continue = true;
  }
  return {};
}

Result<void> parse_field(std::string_view line, Headers& headers, FramingFields& fields) {
  if (line.front() == ' ' || line.front() == '\t') return refuse(400, "folded header line");
  size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "malformed header name");
  }
  std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!is_field_value(value)) return refuse(400, "malformed header value");
  headers.add(line.substr(0, colon), value);
  return note_field(fields, headers.entries().back().name, value);
}

// The lines after the first one; `rest` ends with the empty line.
Result<FramingFields> parse_fields(std::string_view rest, Headers& headers) {
  FramingFields fields;
  while (true) {
    size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return refuse(400, "malformed header");
    if (end == 0) break;
    if (headers.entries().size() >= kMaxHeaderCount) return refuse(431, "too many header lines");
    if (auto parsed = parse_field(rest.substr(0, end), headers, fields); !parsed) {
      return parsed.error();
    }
    rest.remove_prefix(end + 2);
  }
  if (rest.size() != 2) return refuse(400, "malformed header");
  return fields;
}

// "HTTP/1.1" -> 1; nothing for other versions.
std::optional<int> minor_version(std::string_view text) {
  if (text == "HTTP/1.1") return 1;
  if (text == "HTTP/1.0") return 0;
  return std::nullopt;
}

Result<BodyFraming> coded_framing(const FramingFields& fields, int minor) {
  if (fields.content_lengths > 0) return refuse(400, "Transfer-Encoding with Content-Length");
  if (minor == 0) return refuse(400, "Transfer-Encoding in HTTP/1.0");
  if (fields.transfer_encodings > 1 || !fields.chunked) {
    return refuse(501, "unsupported transfer encoding");
  }
  return BodyFraming{BodyFraming::Kind::kChunked, 0};
}

Result<void> split_target(std::string_view target, RequestHead& head) {
  if (!is_target(target)) return refuse(400, "malformed request target");
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    size_t slash = std::min(target.find_first_of("/?", scheme.size()), target.size());
    head.authority = target.substr(scheme.size(), slash - scheme.size());
    target.remove_prefix(slash);
    if (target.empty()) target = "/";
    break;
  }
  if (target == "*" && head.method == "OPTIONS") {
    head.path = "*";
    return {};
  }
  if (target.front() != '/') return refuse(400, "malformed request target");
  size_t question = target.find('?');
  head.path = target.substr(0, question);
  if (question != std::string_view::npos) head.query = target.substr(question + 1);
  return {};
}

Result<void> parse_request_line(std::string_view line, RequestHead& head) {
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refuse(400, "malformed request line");
  std::string_view method = line.substr(0, first);
  if (!is_token(method) || method.size() > kMaxMethodBytes) return refuse(400, "invalid method");
  std::string_view version = line.substr(last + 1);
  auto minor = minor_version(version);
  if (!minor) {
    bool http = version.starts_with("HTTP/") && version.size() == 8;
    return http ? refuse(505, "unsupported HTTP version") : refuse(400, "malformed HTTP version");
  }
  head.method = method;
  head.minor_version = *minor;
  return split_target(line.substr(first + 1, last - first - 1), head);
}

bool persists(const FramingFields& fields, int minor) { return minor == 1 && !fields.close; }

// Lines that end with LF alone end with CRLF.
std::string with_whole_line_ends(std::string_view text) {
  std::string whole;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) whole += '\r';
    whole += text[i];
  }
  return whole;
}

}  // namespace

size_t find_head_end(std::string_view bytes, size_t searched) {
  size_t from = searched < 3 ? 0 : searched - 3;
  size_t end = bytes.find("\r\n\r\n", from);
  return end == std::string_view::npos ? end : end + 4;
}

size_t find_response_head_end(std::string_view bytes, size_t searched) {
  size_t line = bytes.find('\n', searched < 3 ? 0 : searched - 3);
  for (; line != std::string_view::npos; line = bytes.find('\n', line + 1)) {
    std::string_view next = bytes.substr(line + 1);
    if (next.starts_with("\n")) return line + 2;
    if (next.starts_with("\r\n")) return line + 3;
  }
  return std::string_view::npos;
}

Result<RequestHead> parse_request_head(std::string_view text) {
  RequestHead head;
  size_t end = text.find("\r\n");
  if (end == std::string_view::npos) return refuse(400, "malformed request line");
  if (auto line = parse_request_line(text.substr(0, end), head); !line) return line.error();
  TIPHYS_TRY(FramingFields, fields, parse_fields(text.substr(end + 2), head.headers));
  if (fields.hosts > 1 || (fields.hosts == 0 && head.minor_version == 1)) {
    return refuse(400, fields.hosts > 1 ? "too many Host headers" : "missing required Host header");
  }
  if (head.authority.empty()) head.authority = head.headers.get("host");
  head.keep_alive = persists(fields, head.minor_version);
  head.upgrade = fields.upgrade_option && fields.upgrade_header && head.minor_version == 1;
  head.expects_continue = fields.expects_continue && head.minor_version == 1;
  if (fields.transfer_encodings > 0) {
    TIPHYS_TRY(BodyFraming, framing, coded_framing(fields, head.minor_version));
    head.framing = framing;
  } else if (fields.content_lengths > 0 && fields.length > 0) {
    head.framing = {BodyFraming::Kind::kLength, fields.length};
  }
  return head;
}

Result<ResponseHead> parse_response_head(std::string_view bytes, std::string_view request_method) {
  ResponseHead head;
  std::string text = with_whole_line_ends(bytes);
  size_t end = text.find("\r\n");
  std::string_view line = std::string_view(text).substr(0, end);
  bool shaped = end != std::string_view::npos && line.size() >= 12 && line[8] == ' ' &&
                (line.size() == 12 || line[12] == ' ') && is_field_value(line);
  auto minor = shaped ? minor_version(line.substr(0, 8)) : std::nullopt;
  auto status = shaped ? parse_uint(line.substr(9, 3)) : std::nullopt;
  if (!minor || !status || *status < 100) return refuse(502, "malformed HTTP status line");
  head.status = static_cast<int>(*status);
  head.minor_version = *minor;
  TIPHYS_TRY(FramingFields, fields,
             parse_fields(std::string_view(text).substr(end + 2), head.headers));
  head.keep_alive = persists(fields, head.minor_version);
  bool bodiless =
      request_method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
  if (fields.transfer_encodings > 0) {
    TIPHYS_TRY(BodyFraming, framing, coded_framing(fields, head.minor_version));
    head.framing = framing;
  } else if (fields.content_lengths > 0) {
    if (fields.length > 0) head.framing = {BodyFraming::Kind::kLength, fields.length};
  } else {
    head.framing.kind = BodyFraming::Kind::kUntilClose;
  }
  if (bodiless) head.framing = {};
  if (head.framing.kind == BodyFraming::Kind::kUntilClose) head.keep_alive = false;
  return head;
}

std::string_view status_text(int status) {
  static constexpr std::pair<int, std::string_view> kNames[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {413, "Request Entity Too Large"},
      {415, "Unsupported Media Type"},
      {416, "Requested Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Entity"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"}};
  for (const auto& [number, name] : kNames) {
    if (number == status) return name;
  }
  return "";
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  bool first = true;
  for (char c : name) {
    out += first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    first = c == '-';
  }
  out += ": ";
  out += value;
  out += "\r\n";
}

bool is_safe_header(std::string_view name, std::string_view value) {
  return is_token(name) && is_field_value(value);
}

}  // namespace tiphys::net
