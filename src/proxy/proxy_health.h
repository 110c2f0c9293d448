// ProxyHealth: is the proxy keeping up, and is its node to be used? What /healthz and /livez tell
// load balancers and liveness probes (upstream's proxier_health: a change that isn't in the kernel
// after kHealthTimeout is late). Pure; one thread.
#pragma once
#include <optional>

#include "base/time.h"
#include "net/http.h"

namespace tiphys::proxy {

class ProxyHealth {
 public:
  // Twice the period of checks, as upstream.
  static constexpr Duration kHealthTimeout = std::chrono::seconds(60);

  void queued(MonoTime now) {
    if (!queued_) queued_ = now;
  }
  void updated(MicroTime now) {
    queued_.reset();
    updated_ = now;
  }
  // False: the node is about to be deleted.
  void set_node_eligible(bool eligible) { node_eligible_ = eligible; }
  bool healthy(MonoTime now) const { return !queued_ || now - *queued_ < kHealthTimeout; }

  // Of /healthz, which counts the node, and of /livez, which doesn't.
  net::Response healthz(MonoTime mono, MicroTime wall) const;
  net::Response livez(MonoTime mono, MicroTime wall) const;

 private:
  std::optional<MonoTime> queued_;
  MicroTime updated_ = 0;
  bool node_eligible_ = true;
};

}  // namespace tiphys::proxy
