#include "codec/json_text.h"

#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::codec {
namespace {

// Bytes that a JSON string can hold as they are. 0x80 and up go the slow way only if they are
// invalid UTF-8 or start U+2028/9; that is looked at apart.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[static_cast<size_t>(c)] = true;
  for (char c : {'"', '\\', '<', '>', '&'}) plain[static_cast<unsigned char>(c)] = false;
  return plain;
}
constexpr auto kPlain = make_plain();

size_t sequence_length(std::string_view text) {
  for (size_t length = 2; length <= 4 && length <= text.size(); ++length) {
    if (is_valid_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

void append_ascii_escape(char c, std::string& out) {
  static constexpr std::string_view kFrom = "\"\\\b\f\n\r\t";
  static constexpr std::string_view kTo = "\"\\bfnrt";
  if (size_t i = kFrom.find(c); i != std::string_view::npos) {
    out += '\\';
    out += kTo[i];
  } else {
    append_unicode_escape(static_cast<unsigned char>(c), out);
  }
}

}  // namespace

void append_utf8(uint32_t code, std::string& out) {
  auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

void append_unicode_escape(uint32_t code, std::string& out) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef"[code >> shift & 15];
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  while (!text.empty()) {
    size_t length = static_cast<unsigned char>(text[0]) < 0x80 ? 1 : sequence_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      length = 1;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  size_t plain = 0;  // start of what is not copied yet
  size_t i = 0;
  while (i < text.size()) {
    auto c = static_cast<unsigned char>(text[i]);
    if (kPlain[c]) {
      ++i;
      continue;
    }
    size_t length = c < 0x80 ? 1 : sequence_length(text.substr(i));
    std::string_view piece = text.substr(i, length == 0 ? 1 : length);
    bool separator = piece == "\xe2\x80\xa8" || piece == "\xe2\x80\xa9";
    if (c < 0x80 || length == 0 || separator) {
      out.append(text, plain, i - plain);
      plain = i + piece.size();
      if (length == 0) {
        out += "\\ufffd";
      } else if (separator) {
        append_unicode_escape(piece[2] == '\xa8' ? 0x2028 : 0x2029, out);
      } else {
        append_ascii_escape(static_cast<char>(c), out);
      }
    }
    i += piece.size();
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

void append_int(int64_t value, std::string& out) {
  char text[24];
  auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  out.append(text, end);
}

void append_double(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += '0';
    return;
  }
  double size = std::fabs(value);
  bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  char text[400];
  auto [end, error] =
      std::to_chars(text, text + sizeof(text), value,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed);
  std::string_view written(text, static_cast<size_t>(end - text));
  // Go writes e-9, not e-09.
  if (size_t n = written.size();
      exponent && n >= 4 && text[n - 4] == 'e' && text[n - 2] == '0' && text[n - 3] == '-') {
    out.append(written.substr(0, n - 2));
    out += text[n - 1];
    return;
  }
  out.append(written);
}

}  // namespace tiphys::codec
