// Discovery: how a node that knows a server's address and a bootstrap token finds out whether it
// may trust the server, and the cluster's CA: the ConfigMap kube-public/cluster-info, read by
// nobody over a connection that isn't verified, signed with the token; with pinned CAs read again
// over a verified one. The token itself is never sent. kubeadm's way, and its words.
// Source: https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/
#pragma once
#include <set>
#include <string>
#include <vector>

#include "client/kubeconfig.h"
#include "main/bootstrap_token.h"
#include "main/host.h"

namespace tiphys {

// ---- the pure part ----

// Public keys that are trusted: "sha256:HEX" of a certificate's SubjectPublicKeyInfo.
class CaPins {
 public:
  static Result<CaPins> parse(const std::vector<std::string>& hashes);
  bool empty() const { return hashes_.empty(); }
  // Whether one of the certificates of the PEM is pinned. Error: names the hashes that are there
  // and those that are wanted.
  Result<void> check(std::string_view ca_pem) const;

 private:
  std::set<std::string> hashes_;  // hex, lower case
};

// Whether the signature of this token is there yet; it comes a moment after token or ConfigMap.
bool has_signature(const Object& cluster_info, const BootstrapToken& token);
// The kubeconfig text of the ConfigMap, whose signature is the token's. Error: it is not.
Result<std::string> verified_cluster(const Object& cluster_info, const BootstrapToken& token);

// ---- the shell ----

struct Discovery {
  std::string server;  // "https://10.0.0.1:6443" or "10.0.0.1:6443"
  BootstrapToken token;
  CaPins pins;
  Duration timeout = std::chrono::minutes(5);  // kubeadm's, of each reading
};

// Server and CA of the cluster. What may yet come (a server that is away, a signature) is waited
// for until the time is over; then the last failure is the error. Loop thread.
Task<Result<client::Kubeconfig>> discover(Host& host, Discovery what);

}  // namespace tiphys
