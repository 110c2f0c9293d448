// Kubeconfig: how to reach a cluster and who to be there, read from a kubeconfig file
// (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). Values; reading files blocks.
//
// Relative paths in a file are relative to its folder. Embedded data wins over file paths, as in
// client-go. Credential plugins (exec, auth-provider) are not run: naming one is an error.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/tls.h"

namespace tiphys::client {

inline constexpr size_t kMaxKubeconfigBytes = 4 * 1024 * 1024;

struct Kubeconfig {
  std::string server;           // "https://127.0.0.1:6443"; a path prefix may follow
  std::string ns;               // "" : default
  std::string context;          // that was chosen
  std::string tls_server_name;  // "" : the server's host
  std::string proxy_url;        // "" : none
  crypto::ClientTls::Options tls;
  std::string token;
  std::string token_file;  // wins over token when it can be read again (rotated tokens)
  std::string username;    // basic authentication
  std::string password;
  // Impersonation: what Impersonate-* headers to send.
  std::string as_user;
  std::string as_uid;
  std::vector<std::string> as_groups;
  std::map<std::string, std::vector<std::string>> as_extra;
  bool json = false;  // objects travel as JSON, not protobuf; no field of the file
};

// `context` "": the file's current-context. Errors are InternalError with client-go's words where
// it has some: context "x" does not exist; cluster, user likewise; no configuration has been
// provided.
Result<Kubeconfig> load_kubeconfig(const std::string& path, std::string_view context = {});
// `directory`: what relative paths are relative to.
Result<Kubeconfig> parse_kubeconfig(std::string_view yaml, const std::string& directory,
                                    std::string_view context = {});

// What a pod has (client-go's InClusterConfig): the server by the variables
// KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, CA and token by files. Error: one is
// missing.
inline constexpr std::string_view kServiceAccountFolder =
    "/var/run/secrets/kubernetes.io/serviceaccount";
Result<Kubeconfig> in_cluster_config(std::string_view host, std::string_view port,
                                     std::string_view folder = kServiceAccountFolder);

// The one cluster of a kubeconfig without contexts, as the ConfigMap kube-public/cluster-info has
// it (kubeadm's discovery): server and CA. Files are never read, nobody's identity is taken, and
// the server is always verified. Errors: not exactly one cluster, no server, no embedded CA.
Result<Kubeconfig> parse_only_cluster(std::string_view yaml);

// "https://10.0.0.1" -> {"10.0.0.1:443", "10.0.0.1", "", true}
struct ServerAddress {
  std::string address;  // host:port, brackets around IPv6, port filled in
  std::string host;     // no brackets
  std::string path;     // prefix of every request, "" or "/x" without a final slash
  bool tls = false;
};
// A URL without a scheme is taken as http, as client-go does. Error: no host, a bad port.
Result<ServerAddress> parse_server_url(std::string_view url);

}  // namespace tiphys::client
