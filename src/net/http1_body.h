// Http1Body: takes the body of an HTTP/1.1 message out of the bytes of a connection.
//
// Pure; give it bytes in any pieces. Chunk extensions and trailers are bounded and dropped.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http1_head.h"

namespace tiphys::net {

inline constexpr size_t kMaxChunkLineBytes = 4096;  // a chunk's size line, or one trailer line
inline constexpr size_t kMaxTrailerBytes = 16 * 1024;
// Extensions may cost at most this much beyond the data they come with (CVE-2023-39326).
inline constexpr uint64_t kMaxChunkOverhead = 64 * 1024;

class Http1Body {
 public:
  explicit Http1Body(BodyFraming framing);
  // Consumes from the front of `bytes`, appends data to `out`; returns how many bytes it took.
  // Stops at the end of the body, or once `out` holds `limit` bytes or more. Error: BadRequest.
  Result<size_t> take(std::string_view bytes, std::string& out, size_t limit);
  bool done() const { return state_ == State::kDone; }
  // The connection ended: true if that ends the body well (kUntilClose).
  bool finish();

 private:
  enum class State { kData, kSize, kChunk, kChunkEnd, kTrailer, kUntilClose, kDone };
  size_t take_data(std::string_view bytes, std::string& out, size_t limit);
  Result<size_t> take_line(std::string_view bytes);
  Result<void> end_line();
  Result<void> start_chunk();

  State state_;
  uint64_t left_ = 0;  // of the body, or of the chunk
  std::string line_;
  uint64_t overhead_ = 0;
  size_t trailer_bytes_ = 0;
};

}  // namespace tiphys::net
