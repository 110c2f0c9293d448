// Proxier: kube-proxy. Keeps the node's nftables or iptables in line with Services and
// EndpointSlices.
//
// Level-driven: informer handlers note which service changed; at once, but not within min_sync of
// the one before (iptables mode: sync_pace.h), one transaction per address family applies what is
// different. A failed transaction is repaired by making everything anew (back-off 1 s to 30 s).
// Every check_period the rules are looked at; if they are gone or were meddled with, or didn't take
// a change, they are made anew, with a Warning event on the Node. Rules of the other mode are
// removed at start. Loop thread only; nft and iptables run on the pool. Tables survive stop(), so
// that traffic goes on while the process restarts; cleanup() removes them. Behaviour: kube-proxy's
// nftables mode (KEP-3866) and iptables mode.
//
// Events besides: on the Node, "Starting"; on a Service, of endpoints that are refused, of an
// address or node port that another Service has (its first owner by name keeps it), of a health
// check port that is taken.
#pragma once
#include <memory>

#include "async/epoll_loop.h"
#include "async/pool.h"
#include "base/metrics.h"
#include "base/random.h"
#include "client/client.h"
#include "net/http.h"
#include "proxy/model.h"
#include "proxy/plane_sync.h"

namespace tiphys::proxy {

class Proxier {
 public:
  struct Options {
    Mode mode = Mode::kNftables;
    std::string node_name;
    Settings settings;  // masquerade_same_node and conntrack_liberal are found out by itself
    bool ipv6 = true;   // an ip6 table is made once a Service has an IPv6 address
    // The node's own podCIDRs take the place of settings.cluster_cidrs (detectLocalMode NodeCIDR).
    bool local_by_node_cidr = false;
    // The node's InternalIPs take the place of settings.node_port_cidrs ("primary").
    bool node_ports_on_primary = false;
    Duration min_sync = std::chrono::milliseconds(10);
    Duration check_period = std::chrono::seconds(15);
    MetricRegistry* metrics = nullptr;  // null: one of its own; outlives the Proxier
  };
  Proxier(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random,
          Options options);
  ~Proxier();  // Requires: never started, or stop() finished

  void start();
  Task<void> stop();
  // True once the rules in the kernel match what the informers knew (for readiness).
  bool synced() const;
  // Answers of /healthz and /livez.
  net::Response healthz() const;
  net::Response livez() const;
  std::string metrics_text() const;
  // A Warning on the Node of what else of kube-proxy can't be had (a port).
  void tell_of_failure(std::string_view reason, const std::string& message);
  using Counters = PlaneSync::Counters;
  const Counters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What start() does first and needs all rights for: forwarding and bridge settings of the kernel,
// and away with rules of the other mode; what can't be done is logged. False: bridged packets pass
// the rules by (Settings::masquerade_same_node). Blocks.
bool prepare_machine(const Proxier::Options& options);

// Removes the rules of a mode, of both families; absent is fine. Blocks. Chains of iptables have
// fixed names: there is one kube-proxy of that mode on a machine (iptables_backend.h).
Result<void> cleanup(const Settings& settings, Mode mode);

}  // namespace tiphys::proxy
