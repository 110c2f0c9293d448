// NodeProxy: the kube-proxy of a whole node (server and agent): the Proxier and its ports. Its
// configuration is upstream's default, but node ports are on every address of the node, and what it
// says of the process (clientConnection, oomScoreAdj) steers nothing. Loop thread only.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "client/client.h"
#include "main/flags.h"
#include "main/host.h"
#include "main/proxy_status.h"
#include "proxy/config/configuration.h"
#include "proxy/proxier.h"

namespace tiphys {

struct NodeProxyFlags {
  std::string mode = "nftables";
  void add_to(FlagSet& flags);
  // BadRequest: no such mode, or ipvs.
  Result<void> check() const;
  // cluster_cidr: ranges of the cluster's pods, comma-separated.
  Result<proxy::Configuration> configuration(const std::string& node_name,
                                             const std::string& cluster_cidr) const;
};

class NodeProxy {
 public:
  // Host and client outlive it. Error: flags that can't be.
  static Result<std::unique_ptr<NodeProxy>> create(Host& host, client::Client& client,
                                                   const NodeProxyFlags& flags,
                                                   const std::string& node_name,
                                                   std::string_view bridge_name,
                                                   const std::string& cluster_cidr);
  void start();
  Task<void> stop();
  std::string metrics_text() const { return proxier_.metrics_text(); }

 private:
  NodeProxy(Host& host, client::Client& client, proxy::Configuration config,
            proxy::Proxier::Options options);

  proxy::Configuration config_;
  proxy::Proxier proxier_;
  ProxyStatus status_;
};

}  // namespace tiphys
