// Two connections made one: bytes of each go to the other until one of them ends. Loop thread.
#pragma once
#include <memory>

#include "async/loop.h"
#include "net/http.h"

namespace tiphys::apiserver {

inline constexpr size_t kTunnelChunkBytes = 32 * 1024;  // in flight, each way

// Ends when either side ends or breaks, or on stop; then both are closed.
Task<void> run_tunnel(Loop& loop, std::unique_ptr<net::ByteStream> client,
                      std::unique_ptr<net::ByteStream> backend, StopToken stop);

}  // namespace tiphys::apiserver
