// SpdyClient: the side of a SPDY/3.1 connection that opens streams, over the connection that an
// upgrade left. Loop thread only.
//
// One task reads (open() and next()); send() may run beside it, and beside other sends. What the
// peer sends is taken no faster than next() is called. Streams that the peer opens are refused.
#pragma once
#include <deque>
#include <memory>
#include <set>

#include "async/gate.h"
#include "net/spdy_frames.h"

namespace tiphys::net {

inline constexpr Duration kSpdyReplyTimeout = std::chrono::seconds(30);
inline constexpr size_t kMaxSpdyEarlyFrames = 64;  // that come while a reply is waited for
// Upstream's period of pings, which keep an idle connection through balancers.
inline constexpr Duration kSpdyPingPeriod = std::chrono::seconds(5);

class SpdyClient {
 public:
  SpdyClient(Loop& loop, std::unique_ptr<ByteStream> stream);
  // A new stream, once the peer has answered it. Errors: it refused, broke the protocol, closed, or
  // said nothing for kSpdyReplyTimeout.
  Task<Result<uint32_t>> open(Headers headers, StopToken stop);
  // Returns once the bytes are in the socket's buffer.
  Task<Result<void>> send(uint32_t stream, std::string bytes, bool fin, StopToken stop);
  // What comes next on a stream that open() gave: DATA, or RST_STREAM. nullopt: the peer closed the
  // connection. Errors: it broke, or the peer broke the protocol.
  Task<Result<std::optional<SpdyFrame>>> next(StopToken stop);
  // Closes the connection: what waits on it ends.
  void interrupt();
  // The same, and waits for what it started. Must be called before destruction.
  Task<void> close();

 private:
  Task<Result<std::optional<SpdyFrame>>> read_frame(StopToken stop);
  Task<void> keep_alive();
  Task<void> answer_ping(uint32_t id);
  Task<void> refuse(uint32_t stream);

  Loop& loop_;
  std::unique_ptr<ByteStream> stream_;
  SpdyReader reader_;
  SpdyWriter writer_;
  uint32_t next_id_ = 1;
  std::set<uint32_t> open_;  // the peer has not ended
  std::deque<SpdyFrame> early_;
  bool answering_ = false;  // a frame that we owe the peer is being written
  StopSource stop_;
  Gate gate_;
};

}  // namespace tiphys::net
