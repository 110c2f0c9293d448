// Pki: the cluster's certificates and keys as files in one folder, laid out and named as kubeadm
// does (https://kubernetes.io/docs/setup/best-practices/certificates/); made where missing, renewed
// before they expire.
//
//   ca.crt ca.key                            signs all below but front-proxy-client
//   front-proxy-ca.crt front-proxy-ca.key    signs front-proxy-client
//   sa.key sa.pub                            signs service account tokens
//   <leaf>.crt <leaf>.key                    one pair for each PkiLeaf
//
// Keys made here are EC P-256; any kind that OpenSSL reads is taken. Key files have mode 0600.
// Leaves live a year, CAs ten. A leaf is made anew when less than a third of its life is left, when
// it doesn't belong to its key or CA, or when wanted names or addresses are missing in it. CAs and
// sa.key are never replaced: a malformed one is an error that names the file. Where a CA's key is
// absent (an external CA), leaves are used as they are, and one that is missing is an error.
// Loop thread only; reads and writes small files (call ensure() at start).
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "crypto/certificate.h"

namespace tiphys::crypto {

inline constexpr MicroTime kLeafLife = 365LL * 86400 * kMicrosPerSecond;
inline constexpr MicroTime kAuthorityLife = 3650LL * 86400 * kMicrosPerSecond;
inline constexpr MicroTime kClockSkew = 300 * kMicrosPerSecond;  // not_before lies so far back

struct PkiOptions {
  std::string node_name;
  std::vector<std::string> advertise_addresses;  // also the node's, for the kubelet's certificate
  std::vector<std::string> dns_names;            // more names of the API server
  std::string service_ip = "10.43.0.1";          // of the service default/kubernetes
  std::string cluster_domain = "cluster.local";
};

enum class PkiLeaf : uint8_t {
  kApiserver,               // apiserver: serving
  kApiserverKubeletClient,  // apiserver-kubelet-client: O=system:masters
  kFrontProxyClient,        // front-proxy-client
  kAdmin,                   // admin: kubernetes-admin, O=system:masters
  kScheduler,               // kube-scheduler: system:kube-scheduler
  kControllerManager,       // kube-controller-manager: system:kube-controller-manager
  kKubeletClient,           // kubelet-client: system:node:NAME, O=system:nodes
  kKubeletServing,          // kubelet: serving
  kKubeProxy,               // kube-proxy: system:kube-proxy
};
inline constexpr int kPkiLeafCount = 9;

// A certificate with its key, as PEM.
struct PkiPair {
  std::string certificate_pem;
  std::string key_pem;
  MicroTime not_before = 0;
  MicroTime renew_after = 0;
};

class Pki {
 public:
  // Makes or loads everything. Error: names the file that is at fault.
  static Result<Pki> ensure(std::string directory, PkiOptions options, const Clock& clock);

  struct Renewed {
    std::vector<PkiLeaf> changed;
    std::optional<ApiStatus> error;  // of the last leaf that failed (the disk is full)
  };
  // Makes the leaves anew that are due, and takes files that were replaced from outside. A leaf
  // that fails stays in memory as it was.
  Renewed renew(const Clock& clock);

  const std::string& directory() const { return directory_; }
  const std::string& ca_pem() const { return ca_.pem; }
  const std::string& front_proxy_ca_pem() const { return front_proxy_ca_.pem; }
  const PkiPair& pair(PkiLeaf leaf) const { return leaves_[static_cast<size_t>(leaf)]; }
  const PrivateKey& service_account_key() const { return *service_account_key_; }
  std::string path(std::string_view file) const;    // in directory()
  static std::string_view file_name(PkiLeaf leaf);  // without .crt or .key
  // The CA, for signing requests. Null if its key is absent.
  const Certificate* ca_certificate() const { return &*ca_.certificate; }
  const PrivateKey* ca_key() const { return ca_.key ? &*ca_.key : nullptr; }

  // A kubeconfig (YAML) that embeds the CA and the leaf's pair; the user's and context's names are
  // kubeadm's: kubernetes-admin@kubernetes, default-context for the components.
  std::string kubeconfig(PkiLeaf leaf, std::string_view server_url) const;
  // Writes it, mode 0600, folders as needed; does nothing if the file holds just that.
  Result<void> write_kubeconfig(PkiLeaf leaf, std::string_view server_url,
                                const std::string& file) const;

 private:
  struct Authority {
    std::string pem;
    std::optional<Certificate> certificate;
    std::optional<PrivateKey> key;
  };
  Pki() = default;
  Result<Authority> load_authority(const std::string& name) const;
  Result<Authority> ensure_authority(std::string name, std::string common_name, MicroTime now);
  Result<void> ensure_service_account_key();
  Result<bool> ensure_leaf(PkiLeaf leaf, MicroTime now);  // true: made anew
  Result<void> make_leaf(PkiLeaf leaf, const CertificateTemplate& what, MicroTime now);
  const Authority& authority_of(PkiLeaf leaf) const;

  std::string directory_;
  PkiOptions options_;
  Authority ca_;
  Authority front_proxy_ca_;
  std::optional<PrivateKey> service_account_key_;
  std::array<PkiPair, kPkiLeafCount> leaves_;
};

}  // namespace tiphys::crypto
