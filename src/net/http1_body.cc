#include "net/http1_body.h"

#include <algorithm>

namespace tiphys::net {

namespace {

constexpr size_t kMaxSizeDigits = 15;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text,
                             [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

ApiStatus malformed() { return ApiStatus::bad_request("malformed chunked encoding"); }

}  // namespace

Http1Body::Http1Body(BodyFraming framing) {
  switch (framing.kind) {
    case BodyFraming::Kind::kNone:
      state_ = State::kDone;
      break;
    case BodyFraming::Kind::kLength:
      state_ = framing.length == 0 ? State::kDone : State::kData;
      left_ = framing.length;
      break;
    case BodyFraming::Kind::kChunked:
      state_ = State::kSize;
      break;
    case BodyFraming::Kind::kUntilClose:
      state_ = State::kUntilClose;
      break;
  }
}

bool Http1Body::finish() {
  if (state_ == State::kUntilClose) state_ = State::kDone;
  return done();
}

Result<size_t> Http1Body::take(std::string_view bytes, std::string& out, size_t limit) {
  size_t taken = 0;
  while (taken < bytes.size() && !done() && out.size() < limit) {
    std::string_view rest = bytes.substr(taken);
    if (state_ == State::kData || state_ == State::kChunk || state_ == State::kUntilClose) {
      taken += take_data(rest, out, limit);
      continue;
    }
    auto step = take_line(rest);
    if (!step) return step;
    taken += *step;
  }
  return taken;
}

size_t Http1Body::take_data(std::string_view bytes, std::string& out, size_t limit) {
  size_t n = std::min(bytes.size(), limit - out.size());
  if (state_ != State::kUntilClose) n = static_cast<size_t>(std::min<uint64_t>(n, left_));
  out.append(bytes.substr(0, n));
  if (state_ == State::kUntilClose) return n;
  left_ -= n;
  if (left_ == 0) state_ = state_ == State::kData ? State::kDone : State::kChunkEnd;
  return n;
}

// Collects one line in line_ and acts on it once it is complete.
Result<size_t> Http1Body::take_line(std::string_view bytes) {
  size_t newline = bytes.find('\n');
  size_t n = newline == std::string_view::npos ? bytes.size() : newline + 1;
  if (line_.size() + n > kMaxChunkLineBytes) return malformed();
  line_.append(bytes.substr(0, n));
  if (newline == std::string_view::npos) return n;
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') return malformed();
  line_.resize(line_.size() - 2);
  if (auto ended = end_line(); !ended) return ended.error();
  line_.clear();
  return n;
}

Result<void> Http1Body::end_line() {
  if (has_control(line_)) return malformed();
  if (state_ == State::kSize) return start_chunk();
  if (state_ == State::kChunkEnd) {
    if (!line_.empty()) return malformed();
    state_ = State::kSize;
    return {};
  }
  trailer_bytes_ += line_.size() + 2;
  if (trailer_bytes_ > kMaxTrailerBytes) return malformed();
  if (line_.empty()) {
    state_ = State::kDone;
    line_.shrink_to_fit();
  } else if (line_.find(':') == std::string::npos || line_[0] == ' ' || line_[0] == '\t') {
    return malformed();
  }
  return {};
}

Result<void> Http1Body::start_chunk() {
  size_t digits = 0;
  uint64_t size = 0;
  while (digits < line_.size() && hex_digit(line_[digits]) >= 0) {
    if (digits >= kMaxSizeDigits) return malformed();
    size = size * 16 + static_cast<uint64_t>(hex_digit(line_[digits++]));
  }
  bool extended = digits < line_.size();
  if (digits == 0 || (extended && line_[digits] != ';')) return malformed();
  // A chunk pays for its own line; many tiny chunks with long lines don't.
  overhead_ += line_.size() + 2;
  overhead_ -= std::min<uint64_t>(overhead_, 16 + 2 * size);
  if (overhead_ > kMaxChunkOverhead) return malformed();
  left_ = size;
  state_ = size == 0 ? State::kTrailer : State::kChunk;
  return {};
}

}  // namespace tiphys::net
