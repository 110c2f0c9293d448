// NodeConnection: how a node that runs alone reaches its API server, as itself: --kubeconfig; where
// there is none yet, a client certificate that is got with --bootstrap-kubeconfig (a bootstrap
// token, https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/) and
// kept in
// --cert-dir; with rotateCertificates it is renewed, without a restart. One that is over can't
// renew itself: the host fails, as upstream's kubelet ends, and the next start bootstraps again.
//
// Loop thread only.
#pragma once
#include <memory>
#include <string>

#include "kubelet/certificates/certificate_manager.h"
#include "main/api_connection.h"
#include "main/kubelet_flags.h"

namespace tiphys {

// Whether there is such a file and its certificate, if it has one, is not over. Reads it.
bool is_usable_kubeconfig(const std::string& kubeconfig, MicroTime now);

class NodeConnection {
 public:
  // Requires: options are completed but for what Kubelet completes. Waits for the certificate, and
  // tries again whatever the server says; null: the host was stopped meanwhile. Error: no file says
  // how to reach the server, or one can't be read.
  static Task<Result<std::unique_ptr<NodeConnection>>> open(Host& host, const KubeletFlags& flags,
                                                            const kubelet::Options& options,
                                                            bool json);
  client::Client& client() { return connection_->client(); }
  // What is measured of the certificate that is renewed; null: there is none. Not longer used than
  // this lives.
  std::function<kubelet::CertificateNumbers()> numbers() const;
  Task<void> stop();

 private:
  NodeConnection(std::unique_ptr<ApiConnection> connection) : connection_(std::move(connection)) {}
  void use(const kubelet::CertificatePair& pair);
  void rotate(Host& host, const kubelet::CertificateStore& store, const std::string& node_name);

  std::unique_ptr<ApiConnection> connection_;
  std::unique_ptr<kubelet::CertificateManager> manager_;
};

}  // namespace tiphys
