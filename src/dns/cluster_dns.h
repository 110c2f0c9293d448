// ClusterDns: the name server of a node: follows Services, EndpointSlices and Namespaces, listens
// on the first address of the node's pod range (the bridge's, that pods reach without a detour),
// and says so in the annotation tiphys.io/dns-address of the node: the cluster-dns-controller then
// makes it an endpoint of the Service kube-system/kube-dns.
//
// Loop thread only. A listener that can't be opened is tried again. Names of the cluster get
// SERVFAIL until all has been listed once.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "async/epoll_loop.h"
#include "async/pool.h"
#include "base/random.h"
#include "client/client.h"

namespace tiphys::dns {

inline constexpr std::string_view kAddressAnnotation = "tiphys.io/dns-address";

class ClusterDns {
 public:
  struct Options {
    std::string node_name;               // whose pod range is listened in; "": only `addresses`
    std::vector<std::string> addresses;  // to listen on; none: those of the node's pod range
    uint16_t port = 53;
    uint16_t metrics_port = 9153;  // of /metrics, /health and /ready on them; 0: none
    std::string domain = "cluster.local";
    std::vector<std::string> cluster_cidrs;  // ranges of pods: clients, and not asked for elsewhere
    std::vector<std::string> own_addresses;  // that must not be forwarded to: the cluster's DNS
    std::string resolv_conf = "/etc/resolv.conf";  // servers of all other names; "": there are none
  };
  // Error: a domain or range that is none.
  static Result<std::unique_ptr<ClusterDns>> create(EpollLoop& loop, WorkerPool& pool,
                                                    client::Client& client, Random& random,
                                                    Options options);
  ~ClusterDns();  // Requires: never started, or stop() finished

  void start();
  // Takes the announcement back, as well as the API lets it in a short time.
  Task<void> stop();
  // In Prometheus' text format, with CoreDNS' names.
  std::string metrics_text() const;

 private:
  struct Impl;
  explicit ClusterDns(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::dns
