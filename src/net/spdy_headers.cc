#include "net/spdy_headers.h"

#include <zlib.h>

#include "base/strings.h"

namespace tiphys::net {
namespace {

constexpr int kWindowBits = 11;  // 2 KiB: the dictionary and a few small blocks
constexpr int kMemoryLevel = 1;

// Field names and values that the dictionary holds with their lengths, in its order ...
constexpr std::string_view kCounted[] = {"options",
                                         "head",
                                         "post",
                                         "put",
                                         "delete",
                                         "trace",
                                         "accept",
                                         "accept-charset",
                                         "accept-encoding",
                                         "accept-language",
                                         "accept-ranges",
                                         "age",
                                         "allow",
                                         "authorization",
                                         "cache-control",
                                         "connection",
                                         "content-base",
                                         "content-encoding",
                                         "content-language",
                                         "content-length",
                                         "content-location",
                                         "content-md5",
                                         "content-range",
                                         "content-type",
                                         "date",
                                         "etag",
                                         "expect",
                                         "expires",
                                         "from",
                                         "host",
                                         "if-match",
                                         "if-modified-since",
                                         "if-none-match",
                                         "if-range",
                                         "if-unmodified-since",
                                         "last-modified",
                                         "location",
                                         "max-forwards",
                                         "pragma",
                                         "proxy-authenticate",
                                         "proxy-authorization",
                                         "range",
                                         "referer",
                                         "retry-after",
                                         "server",
                                         "te",
                                         "trailer",
                                         "transfer-encoding",
                                         "upgrade",
                                         "user-agent",
                                         "vary",
                                         "via",
                                         "warning",
                                         "www-authenticate",
                                         "method",
                                         "get",
                                         "status",
                                         "200 OK",
                                         "version",
                                         "HTTP/1.1",
                                         "url",
                                         "public",
                                         "set-cookie",
                                         "keep-alive",
                                         "origin"};
// ... and what follows them without.
constexpr std::string_view kPlain =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 "
    "Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
    "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,"
    "deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

void append_number(std::string& out, size_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift);
}

void append_counted(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out += text;
}

std::string make_dictionary() {
  std::string out;
  for (std::string_view text : kCounted) append_counted(out, text);
  out += kPlain;
  return out;
}

ApiStatus broken(std::string_view why) {
  return ApiStatus::bad_request("spdy: " + std::string(why));
}

const Bytef* raw(std::string_view bytes) { return reinterpret_cast<const Bytef*>(bytes.data()); }

// Values of one name are one value, with NULs between.
std::vector<Headers::Entry> joined(const Headers& headers) {
  std::vector<Headers::Entry> out;
  for (const auto& entry : headers.entries()) {
    auto same = std::ranges::find(out, entry.name, &Headers::Entry::name);
    if (same == out.end()) {
      out.push_back(entry);
    } else {
      same->value += '\0' + entry.value;
    }
  }
  return out;
}

// Reads an unpacked block.
class BlockReader {
 public:
  explicit BlockReader(std::string_view block) : left_(block) {}
  bool number(uint32_t& out) {
    if (left_.size() < 4) return false;
    out = 0;
    for (int i = 0; i < 4; ++i) out = out << 8 | static_cast<uint8_t>(left_[i]);
    left_.remove_prefix(4);
    return true;
  }
  bool text(std::string_view& out) {
    uint32_t size = 0;
    if (!number(size) || left_.size() < size) return false;
    out = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  bool done() const { return left_.empty(); }

 private:
  std::string_view left_;
};

Result<Headers> parse_block(std::string_view block) {
  BlockReader reader(block);
  uint32_t count = 0;
  if (!reader.number(count)) return broken("header block is cut off");
  if (count > kMaxSpdyHeaders) return broken("too many headers");
  Headers out;
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    std::string_view value;
    if (!reader.text(name) || !reader.text(value)) return broken("header block is cut off");
    if (name.empty() || name != to_lower(name)) return broken("bad header name");
    if (out.has(name)) return broken("header given twice");
    for (std::string_view part : split(value, '\0')) out.add(name, part);
    if (out.entries().size() > kMaxSpdyHeaders) return broken("too many headers");
  }
  if (!reader.done()) return broken("bytes after the headers");
  return out;
}

}  // namespace

std::string_view spdy_dictionary() {
  static const std::string dictionary = make_dictionary();
  return dictionary;
}

void SpdyHeaderPacker::Free::operator()(z_stream_s* stream) const {
  ::deflateEnd(stream);
  std::default_delete<z_stream_s>()(stream);
}

void SpdyHeaderUnpacker::Free::operator()(z_stream_s* stream) const {
  ::inflateEnd(stream);
  std::default_delete<z_stream_s>()(stream);
}

SpdyHeaderPacker::SpdyHeaderPacker() {
  auto stream = std::make_unique<z_stream_s>();
  if (::deflateInit2(stream.get(), Z_BEST_COMPRESSION, Z_DEFLATED, kWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    return;
  }
  stream_.reset(stream.release());
  std::string_view dictionary = spdy_dictionary();
  ::deflateSetDictionary(stream_.get(), raw(dictionary), static_cast<uInt>(dictionary.size()));
}

Result<std::string> SpdyHeaderPacker::pack(const Headers& headers) {
  if (!stream_) return ApiStatus::internal("spdy: out of memory");
  std::string plain;
  std::vector<Headers::Entry> entries = joined(headers);
  append_number(plain, entries.size());
  for (const auto& entry : entries) {
    append_counted(plain, entry.name);
    append_counted(plain, entry.value);
  }
  // deflateBound() leaves out the marker of a flush.
  constexpr size_t kFlushBytes = 16;
  std::string out(::deflateBound(stream_.get(), plain.size()) + kFlushBytes, '\0');
  stream_->next_in = const_cast<Bytef*>(raw(plain));
  stream_->avail_in = static_cast<uInt>(plain.size());
  stream_->next_out = reinterpret_cast<Bytef*>(out.data());
  stream_->avail_out = static_cast<uInt>(out.size());
  int result = ::deflate(stream_.get(), Z_SYNC_FLUSH);
  if (result != Z_OK || stream_->avail_in > 0 || stream_->avail_out == 0) {
    return ApiStatus::internal("spdy: headers can't be packed");
  }
  out.resize(out.size() - stream_->avail_out);
  return out;
}

SpdyHeaderUnpacker::SpdyHeaderUnpacker() {
  auto stream = std::make_unique<z_stream_s>();
  if (::inflateInit(stream.get()) == Z_OK) stream_.reset(stream.release());
}

Result<std::string> SpdyHeaderUnpacker::inflate_block(std::string_view block) {
  if (!stream_) return ApiStatus::internal("spdy: out of memory");
  constexpr size_t kStepBytes = 4096;
  std::string out;
  stream_->next_in = const_cast<Bytef*>(raw(block));
  stream_->avail_in = static_cast<uInt>(block.size());
  std::string_view dictionary = spdy_dictionary();
  do {
    size_t before = out.size();
    out.resize(before + kStepBytes);
    stream_->next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_->avail_out = kStepBytes;
    int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    if (result == Z_NEED_DICT) {
      // Fails unless the sum of the dictionary is the one asked for.
      result = ::inflateSetDictionary(stream_.get(), raw(dictionary),
                                      static_cast<uInt>(dictionary.size()));
    }
    bool idle = result == Z_BUF_ERROR && stream_->avail_in == 0;  // nothing is left to unpack
    if (result != Z_OK && !idle) return broken("header block can't be unpacked");
    out.resize(out.size() - stream_->avail_out);
    if (out.size() > kMaxSpdyHeaderBytes) return broken("header block is too large");
    if (idle) break;
  } while (stream_->avail_in > 0 || stream_->avail_out == 0);
  return out;
}

Result<Headers> SpdyHeaderUnpacker::unpack(std::string_view block) {
  TIPHYS_TRY(std::string, plain, inflate_block(block));
  return parse_block(plain);
}

}  // namespace tiphys::net
