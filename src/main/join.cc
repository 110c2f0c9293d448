#include "main/join.h"

#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "client/client.h"
#include "client/http_transport.h"
#include "kinds/core_v1.h"
#include "main/join_discovery.h"
#include "main/node_connection.h"
#include "os/files.h"

namespace tiphys {
namespace {

constexpr std::string_view kFolder = "/agent";
constexpr std::string_view kCaFile = "ca.crt";
constexpr std::string_view kOwnFile = "kubelet.conf";
constexpr std::string_view kBootstrapFile = "bootstrap-kubelet.conf";

std::string file_of(const KubeletFlags& kubelet, std::string_view name) {
  return kubelet.options.data_dir + std::string(kFolder) + "/" + std::string(name);
}

std::string bootstrap_text(const client::Kubeconfig& cluster, const BootstrapToken& token) {
  std::string out = "apiVersion: v1\nkind: Config\nclusters:\n- name: kubernetes\n  cluster:\n";
  out += "    certificate-authority-data: " + base64_encode(cluster.tls.ca_pem) + "\n";
  if (!cluster.tls_server_name.empty()) {
    out += "    tls-server-name: " + go_quote(cluster.tls_server_name) + "\n";
  }
  out += "    server: " + go_quote(cluster.server) + "\n";
  out += "contexts:\n- name: tls-bootstrap-token-user@kubernetes\n  context:\n";
  out += "    cluster: kubernetes\n    user: tls-bootstrap-token-user\n";
  out += "current-context: tls-bootstrap-token-user@kubernetes\n";
  out += "users:\n- name: tls-bootstrap-token-user\n  user:\n    token: " + token.text() + "\n";
  return out;
}

// Two nodes of one name would take each other's pods (kubeadm's check before it bootstraps).
Task<Result<void>> check_name_is_free(Host& host, client::Kubeconfig config, std::string name) {
  auto transport = client::HttpTransport::create(host.loop(), host.pool(), std::move(config),
                                                 std::string("tiphys"));
  if (!transport) co_return transport.error();
  client::Client client(**transport, "tiphys");
  Result<ObjectPtr> node =
      co_await client.get(*schema::find_resource("", "v1", "nodes"), std::string(), name);
  co_await (*transport)->stop();
  if (!node && node.error().is_not_found()) co_return Result<void>();
  if (!node) {
    co_return ApiStatus::internal("cannot get Node " + go_quote(name) + ": " +
                                  node.error().message());
  }
  for (core_v1::NodeCondition condition : core_v1::Node(**node).status().conditions()) {
    if (condition.type() == "Ready" && condition.status() == "True") {
      co_return ApiStatus::internal(
          "a Node with name " + go_quote(name) +
          " and status \"Ready\" already exists in the cluster. You must delete the existing "
          "Node or change the name of this new joining Node");
    }
  }
  co_return Result<void>();
}

Result<void> write_files(const KubeletFlags& kubelet, const client::Kubeconfig& cluster,
                         const BootstrapToken& token) {
  Result<void> done = os::make_dirs(kubelet.options.data_dir + std::string(kFolder), 0700);
  if (done) done = os::write_file_atomic(file_of(kubelet, kCaFile), cluster.tls.ca_pem, 0644);
  if (!done) return done;
  return os::write_file_atomic(kubelet.bootstrap_kubeconfig, bootstrap_text(cluster, token), 0600);
}

}  // namespace

void JoinFlags::add_to(FlagSet& flags) {
  flags.add("server", server, "API server of the cluster to join: https://HOST:PORT");
  flags.add("token", token, "Bootstrap token to join with, of \"tiphys token create\"");
  flags.add("discovery-token-ca-cert-hash", ca_cert_hashes,
            "Accept only a cluster CA whose public key has one of these hashes: sha256:HEX");
  flags.add("discovery-timeout", discovery_timeout, "How long the server is waited for");
}

Result<void> check_join_flags(const JoinFlags& flags, const KubeletFlags& kubelet) {
  if (flags.server.empty() || !kubelet.kubeconfig.empty() ||
      !kubelet.bootstrap_kubeconfig.empty()) {
    return ApiStatus::bad_request(
        flags.server.empty()
            ? "--server is needed with --token: the API server of the cluster to join"
            : "--server and --kubeconfig don't go together: each says how to reach the API server");
  }
  if (flags.discovery_timeout <= Duration::zero()) {
    return ApiStatus::bad_request("--discovery-timeout must be greater than 0");
  }
  return {};
}

Task<Result<void>> join_cluster(Host& host, JoinFlags flags, KubeletFlags& kubelet,
                                std::string node_name) {
  Result<void> checked = check_join_flags(flags, kubelet);
  if (!checked) co_return checked;
  kubelet.kubeconfig = file_of(kubelet, kOwnFile);
  if (is_usable_kubeconfig(kubelet.kubeconfig, host.loop().wall())) co_return checked;
  if (flags.token.empty()) {
    co_return ApiStatus::bad_request(
        "--token is needed: this node has not joined a cluster yet, or its certificate is over "
        "(there is no usable " +
        kubelet.kubeconfig + ")");
  }
  Discovery what{.server = flags.server, .timeout = flags.discovery_timeout};
  Result<BootstrapToken> token = BootstrapToken::parse(flags.token);
  if (!token) co_return token.error();
  Result<CaPins> pins = CaPins::parse(flags.ca_cert_hashes);
  if (!pins) co_return pins.error();
  kubelet.bootstrap_kubeconfig = file_of(kubelet, kBootstrapFile);
  what.token = *token;
  what.pins = *pins;
  Result<client::Kubeconfig> cluster = co_await discover(host, what);
  if (!cluster) {
    co_return ApiStatus::internal("couldn't validate the identity of the API Server: " +
                                  cluster.error().message());
  }
  client::Kubeconfig as_token = *cluster;
  as_token.token = token->text();
  Result<void> free = co_await check_name_is_free(host, as_token, std::move(node_name));
  if (!free) co_return free;
  if (what.pins.empty()) {
    LOG_WARNING(
        "The API server was trusted by the token alone; pin its CA with "
        "--discovery-token-ca-cert-hash");
  }
  LOG_INFO("The API server is trusted: joining", {"server", cluster->server});
  co_return write_files(kubelet, *cluster, *token);
}

void forget_token(const KubeletFlags& kubelet) {
  (void)::unlink(file_of(kubelet, kBootstrapFile).c_str());
}

Result<void> use_joined_defaults(const KubeletFlags& kubelet, kubelet::Options& options) {
  options.rotate_certificates = true;
  if (!options.client_ca_pem.empty()) return {};
  TIPHYS_TRY(std::string, ca, os::read_file(file_of(kubelet, kCaFile)));
  options.client_ca_pem = std::move(ca);
  options.client_ca_file = file_of(kubelet, kCaFile);
  return {};
}

}  // namespace tiphys
