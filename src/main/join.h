// Joining: `tiphys agent --server URL --token ID.SECRET`, as `kubeadm join`: discovery
// (join_discovery.h), then a bootstrap kubeconfig with the token, by which NodeConnection gets the
// node its client certificate. A node that has joined needs no token again.
//
// Files, in <data-dir>/agent: ca.crt, kubelet.conf (the node's own), bootstrap-kubelet.conf (holds
// the token; removed as soon as the node has its certificate). Loop thread only.
#pragma once
#include <string>
#include <vector>

#include "main/flags.h"
#include "main/host.h"
#include "main/kubelet_flags.h"

namespace tiphys {

struct JoinFlags {
  std::string server;
  std::string token;
  std::vector<std::string> ca_cert_hashes;
  Duration discovery_timeout = std::chrono::minutes(5);

  void add_to(FlagSet& flags);
  bool asked() const { return !server.empty() || !token.empty(); }
};

// Whether the flags go together; blocks for nothing.
Result<void> check_join_flags(const JoinFlags& flags, const KubeletFlags& kubelet);
// Makes the files unless the node has joined before, and lets `kubelet` name them. Errors: the
// server can't be trusted or reached in time, another node has this name.
Task<Result<void>> join_cluster(Host& host, JoinFlags flags, KubeletFlags& kubelet,
                                std::string node_name);
// Removes what holds the token. Call when the node has its certificate.
void forget_token(const KubeletFlags& kubelet);
// What kubeadm's kubelet-config says of every node that joined: the API server's requests are taken
// by the cluster's CA, and the client certificate is renewed. Reads ca.crt.
Result<void> use_joined_defaults(const KubeletFlags& kubelet, kubelet::Options& options);

}  // namespace tiphys
