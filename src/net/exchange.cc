#include "net/exchange.h"

#include "net/byte_stream.h"
#include "net/server_core.h"

namespace tiphys::net {

void Exchange::detach() {
  sink = nullptr;
  gone.request_stop();
  drained.set();
}

namespace {

Task<void> pump(ServerCore& core, std::shared_ptr<Exchange> exchange) {
  StopToken gone = exchange->gone.token();
  if (core.stopping) exchange->gone.request_stop();
  while (exchange->sink) {
    Result<Bytes> next = co_await exchange->response.stream->next(gone);
    if (!exchange->sink) break;
    if (!next || !*next) {
      // A stream that ended because we stop it is whole as far as it goes.
      bool failed = !next && !next.error().is_stopped();
      exchange->sink->stream_ended(*exchange, failed);
      break;
    }
    if ((*next)->empty()) continue;
    exchange->chunk = std::move(*next);
    exchange->offset = 0;
    exchange->drained.reset();
    exchange->sink->chunk_ready(*exchange);
    co_await exchange->drained.wait();
  }
}

}  // namespace

Task<void> run_exchange(ServerCore& core, std::shared_ptr<Exchange> exchange) {
  exchange->running = true;
  Response response = co_await core.handler(std::move(exchange->request));
  exchange->response = std::move(response);
  if (exchange->sink) {
    exchange->streaming = exchange->response.stream && !exchange->bodiless;
    exchange->sink->respond(*exchange);
  }
  if (exchange->streaming) co_await pump(core, exchange);
  exchange->running = false;
  if (exchange->sink) exchange->sink->finished(*exchange);
}

}  // namespace tiphys::net
