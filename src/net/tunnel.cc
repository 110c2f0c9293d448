#include "net/tunnel.h"

#include "async/gate.h"
#include "async/stop.h"

namespace tiphys::net {
namespace {

Task<void> copy(ByteStream& from, ByteStream& to, StopSource& over, StreamWatch& watch) {
  while (!over.stop_requested()) {
    Result<std::string> bytes = co_await from.read(kTunnelChunkBytes, over.token());
    if (!bytes || bytes->empty()) break;
    watch.moved();
    Result<void> written = co_await to.write(std::move(*bytes), over.token());
    if (!written) break;
    watch.moved();
  }
  over.request_stop();
}

}  // namespace

StreamWatch::StreamWatch(Loop& loop, Duration idle_timeout, StopSource& over)
    : loop_(loop), over_(over), last_(loop.mono()) {
  if (idle_timeout > Duration::zero()) watch(idle_timeout, idle_timer_);
}

StreamWatch::~StreamWatch() {
  loop_.cancel(idle_timer_);
  loop_.cancel(hang_up_timer_);
}

void StreamWatch::hung_up() { watch(kHangUpGrace, hang_up_timer_); }

// Looks again when the time could be over at the earliest.
void StreamWatch::watch(Duration quiet, Loop::TimerId& timer) {
  timer = loop_.call_at(last_ + quiet, [this, quiet, &timer] {
    timer = 0;
    if (loop_.mono() - last_ < quiet) return watch(quiet, timer);
    over_.request_stop();
  });
}

Task<void> run_tunnel(Loop& loop, std::unique_ptr<ByteStream> client,
                      std::unique_ptr<ByteStream> backend, StopToken stop, Duration idle_timeout) {
  StopSource over(stop);
  StreamWatch watch(loop, idle_timeout, over);
  client->on_hang_up([&watch] { watch.hung_up(); });
  Gate gate(loop);
  gate.spawn(copy(*backend, *client, over, watch));
  co_await copy(*client, *backend, over, watch);
  backend->close();
  co_await client->end();
  co_await gate.close();
}

}  // namespace tiphys::net
