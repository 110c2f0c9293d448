// Upstream: where answers come from that aren't the cluster's. An interface, so that Front can be
// tested without a network; implemented by Forwarder. Loop thread only.
#pragma once
#include <string>

#include "async/task.h"
#include "dns/query.h"
#include "kinds/ip_address.h"

namespace tiphys::dns {

class Upstream {
 public:
  virtual ~Upstream() = default;
  // What is known already, written to `out` (at most `limit` bytes); 0: it has to be asked for.
  // Requires: out holds `limit` bytes.
  virtual size_t answer_now(Bytes message, const Query& query, size_t limit,
                            std::span<uint8_t> out) = 0;
  // The answer to a good query of any length up to `limit`; its code says so if there is none.
  virtual Task<std::string> resolve(std::string message, size_t limit) = 0;
  // Whether this client is a server that is being asked the same at the moment: it passes our
  // question back to us.
  virtual bool is_loop(const IpAddress& client, const Query& query) const = 0;
};

}  // namespace tiphys::dns
