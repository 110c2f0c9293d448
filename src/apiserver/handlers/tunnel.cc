#include "apiserver/handlers/tunnel.h"

#include "async/gate.h"
#include "async/stop.h"

namespace tiphys::apiserver {
namespace {

Task<void> copy(net::ByteStream& from, net::ByteStream& to, StopSource& over) {
  while (!over.stop_requested()) {
    Result<std::string> bytes = co_await from.read(kTunnelChunkBytes, over.token());
    if (!bytes || bytes->empty()) break;
    Result<void> written = co_await to.write(std::move(*bytes), over.token());
    if (!written) break;
  }
  over.request_stop();
}

}  // namespace

Task<void> run_tunnel(Loop& loop, std::unique_ptr<net::ByteStream> client,
                      std::unique_ptr<net::ByteStream> backend, StopToken stop) {
  StopSource over(stop);
  Gate gate(loop);
  gate.spawn(copy(*backend, *client, over));
  co_await copy(*client, *backend, over);
  backend->close();
  client->close();
  co_await gate.close();
}

}  // namespace tiphys::apiserver
