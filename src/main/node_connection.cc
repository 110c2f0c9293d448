#include "main/node_connection.h"

#include "base/log.h"
#include "base/strings.h"
#include "client/back_off.h"
#include "os/files.h"

namespace tiphys {
namespace {

using kubelet::CertificatePair;
using kubelet::CertificateStore;

constexpr std::string_view kOver =
    "The currently active client certificate has expired and the server is responsive, exiting.";

// Where the kubelet keeps it (NodeKeeper::complete).
std::string cert_dir(const kubelet::Options& options) {
  if (!options.cert_dir.empty()) return options.cert_dir;
  std::string root = options.root_dir.empty() ? options.data_dir + "/kubelet" : options.root_dir;
  return root + "/pki";
}

bool is_valid_at(const std::string& pem, MicroTime now) {
  Result<crypto::Certificate> certificate = crypto::Certificate::from_pem(pem);
  return certificate && certificate->not_after() > now;
}

std::string kubeconfig_text(const client::Kubeconfig& from, const std::string& certificate_path) {
  std::string out = "apiVersion: v1\nclusters:\n- cluster:\n";
  if (!from.tls.ca_pem.empty()) {
    out += "    certificate-authority-data: " + base64_encode(from.tls.ca_pem) + "\n";
  }
  if (from.tls.insecure_skip_verify) out += "    insecure-skip-tls-verify: true\n";
  if (!from.tls_server_name.empty()) {
    out += "    tls-server-name: " + go_quote(from.tls_server_name) + "\n";
  }
  out += "    server: " + go_quote(from.server) + "\n  name: default-cluster\n";
  out += "contexts:\n- context:\n    cluster: default-cluster\n    user: default-auth\n";
  out += "  name: default-context\ncurrent-context: default-context\nkind: Config\n";
  out += "users:\n- name: default-auth\n  user:\n    client-certificate: ";
  out += go_quote(certificate_path) + "\n    client-key: " + go_quote(certificate_path) + "\n";
  return out;
}

// One try. The certificate is stored before the file that names it.
Task<Result<void>> bootstrap_once(Host& host, std::string bootstrap, std::string kubeconfig,
                                  CertificateStore store, kubelet::CertificateWish wish) {
  auto connection = ApiConnection::open(host, bootstrap, "kubelet");
  if (!connection) co_return connection.error();
  auto pair = co_await kubelet::request_certificate(host.loop(), (*connection)->client(),
                                                    std::move(wish), host.stop());
  client::Kubeconfig config = (*connection)->config();
  co_await (*connection)->stop();
  if (!pair) co_return pair.error();
  Result<void> done = store.save(*pair, host.loop().wall());
  size_t slash = kubeconfig.rfind('/');
  if (done && slash != std::string::npos && slash > 0) {
    done = os::make_dirs(kubeconfig.substr(0, slash));
  }
  if (!done) co_return done;
  co_return os::write_file_atomic(kubeconfig, kubeconfig_text(config, store.current_path()), 0600);
}

Task<void> bootstrap(Host& host, std::string bootstrap_kubeconfig, std::string kubeconfig,
                     CertificateStore store, kubelet::CertificateWish wish) {
  client::BackOff back_off(host.random(),
                           {.first = std::chrono::seconds(1), .limit = std::chrono::seconds(30)});
  while (!host.stop().stop_requested()) {
    LOG_INFO("Using bootstrap kubeconfig to generate TLS client cert, key and kubeconfig file",
             {"path", bootstrap_kubeconfig});
    Result<void> done =
        co_await bootstrap_once(host, bootstrap_kubeconfig, kubeconfig, store, wish);
    if (done) co_return;
    LOG_ERROR("Failed to bootstrap the client certificate, will retry", {"err", done.error()});
    (void)co_await sleep_for(host.loop(), back_off.next(host.loop().mono()), host.stop());
  }
}

}  // namespace

bool is_usable_kubeconfig(const std::string& kubeconfig, MicroTime now) {
  Result<client::Kubeconfig> config = client::load_kubeconfig(kubeconfig);
  if (!config) return false;
  const std::string& pem = config->tls.certificate_pem;
  if (pem.empty() || is_valid_at(pem, now)) return true;
  LOG_WARNING("Part of the existing bootstrap client certificate is expired", {"path", kubeconfig});
  return false;
}

Task<Result<std::unique_ptr<NodeConnection>>> NodeConnection::open(Host& host,
                                                                   const KubeletFlags& flags,
                                                                   const kubelet::Options& options,
                                                                   bool json) {
  CertificateStore store(cert_dir(options), "kubelet-client");
  bool makes_one = !flags.bootstrap_kubeconfig.empty();
  if (flags.kubeconfig.empty()) {  // a node is nobody's pod
    co_return ApiStatus::bad_request(std::string("--kubeconfig is needed: the file that ") +
                                     (makes_one ? "--bootstrap-kubeconfig makes"
                                                : "says how to reach the API server and who to "
                                                  "be there"));
  }
  if (makes_one) {
    if (!is_usable_kubeconfig(flags.kubeconfig, host.loop().wall())) {
      co_await bootstrap(host, flags.bootstrap_kubeconfig, flags.kubeconfig, store,
                         kubelet::client_certificate_wish(options.node_name));
      if (host.stop().stop_requested()) co_return std::unique_ptr<NodeConnection>();
    }
  }
  auto opened = ApiConnection::open(host, flags.kubeconfig, "kubelet", json);
  if (!opened) co_return opened.error();
  std::unique_ptr<NodeConnection> node(new NodeConnection(std::move(*opened)));
  if (options.rotate_certificates) node->rotate(host, store, options.node_name);
  co_return node;
}

// A certificate that was renewed before counts, else the kubeconfig's. A kubeconfig without one (a
// token) has nothing to renew.
void NodeConnection::rotate(Host& host, const CertificateStore& store,
                            const std::string& node_name) {
  const auto& tls = connection_->config().tls;
  if (tls.certificate_pem.empty()) return;
  std::optional<CertificatePair> present = store.load();
  if (present && is_valid_at(present->certificate_pem, host.loop().wall())) {
    (void)connection_->transport().set_certificate(present->certificate_pem, present->key_pem);
  } else {
    present = CertificatePair{tls.certificate_pem, tls.key_pem};
  }
  manager_ = std::make_unique<kubelet::CertificateManager>(
      host.loop(), connection_->client(), host.random(), store,
      kubelet::client_certificate_wish(node_name),
      kubelet::CertificateManager::Callbacks{
          .on_renewed = [this](const CertificatePair& pair, std::optional<Duration>) { use(pair); },
          .on_over = [&host] { host.fail(ApiStatus::unauthorized(kOver)); }});
  manager_->start(std::move(present));
}

void NodeConnection::use(const CertificatePair& pair) {
  Result<void> set = connection_->transport().set_certificate(pair.certificate_pem, pair.key_pem);
  if (!set) LOG_ERROR("Client certificate not replaced", {"err", set.error()});
}

std::function<kubelet::CertificateNumbers()> NodeConnection::numbers() const {
  if (!manager_) return {};
  return [this] { return manager_->numbers(); };
}

Task<void> NodeConnection::stop() {
  if (manager_) co_await manager_->stop();
  co_await connection_->stop();
}

}  // namespace tiphys
