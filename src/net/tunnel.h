// Two connections made one: bytes of each go to the other until one of them ends. Loop thread.
#pragma once
#include <memory>

#include "async/loop.h"
#include "net/http.h"

namespace tiphys::net {

inline constexpr size_t kTunnelChunkBytes = 32 * 1024;  // in flight, each way

// After a client hung up: how long what it sent may find no taker.
inline constexpr Duration kHangUpGrace = std::chrono::seconds(30);

// Asks `over` to stop once a stream is dead: nothing moved for `idle_timeout` (zero: no limit), or
// the client hung up and nothing moved for kHangUpGrace: it would go unnoticed as long as nobody
// takes what it sent. Loop thread; `over` must outlive it, and the client's stream be closed before
// it goes.
class StreamWatch {
 public:
  StreamWatch(Loop& loop, Duration idle_timeout, StopSource& over);
  ~StreamWatch();
  StreamWatch(const StreamWatch&) = delete;
  StreamWatch& operator=(const StreamWatch&) = delete;
  void moved() { last_ = loop_.mono(); }
  void hung_up();

 private:
  void watch(Duration quiet, Loop::TimerId& timer);
  Loop& loop_;
  StopSource& over_;
  MonoTime last_;
  Loop::TimerId idle_timer_ = 0;
  Loop::TimerId hang_up_timer_ = 0;
};

// Ends when either side ends or breaks, when nothing came for `idle_timeout` (zero: no limit), or
// on stop; then both are closed. What a side sent before it ended still reaches the other. A side
// that takes nothing holds the other back: no more than a chunk each way is kept.
Task<void> run_tunnel(Loop& loop, std::unique_ptr<ByteStream> client,
                      std::unique_ptr<ByteStream> backend, StopToken stop,
                      Duration idle_timeout = Duration::zero());

}  // namespace tiphys::net
