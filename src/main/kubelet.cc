#include "kubelet/kubelet.h"

#include "main/api_connection.h"
#include "main/command.h"
#include "main/kubelet_flags.h"
#include "main/logging_flags.h"
#include "os/files.h"

namespace tiphys {
namespace {

struct Flags {
  std::string kubeconfig;
  std::string client_ca_file;
  std::string tls_cert_file;
  std::string tls_private_key_file;
  KubeletFlags kubelet;
};

Result<kubelet::Options> options_of(const Flags& flags) {
  TIPHYS_TRY(kubelet::Options, options, flags.kubelet.resolve());
  if (!flags.client_ca_file.empty()) {
    TIPHYS_TRY(std::string, pem, os::read_file(flags.client_ca_file));
    options.client_ca_pem = pem;
  }
  if (!flags.tls_cert_file.empty()) {
    TIPHYS_TRY(std::string, certificate, os::read_file(flags.tls_cert_file));
    TIPHYS_TRY(std::string, key, os::read_file(flags.tls_private_key_file));
    options.tls_cert_pem = certificate;
    options.tls_key_pem = key;
  }
  return options;
}

Task<Result<void>> serve(Host& host, Flags flags) {
  Result<kubelet::Options> options = options_of(flags);
  if (!options) co_return options.error();
  auto connection = ApiConnection::open(host, flags.kubeconfig, "kubelet");
  if (!connection) co_return connection.error();
  auto node = std::make_unique<kubelet::Kubelet>(host.loop(), host.pool(), (*connection)->client(),
                                                 host.random(), *options);
  Result<void> started = node->start();
  if (started) co_await host.wait_for_stop();
  co_await node->stop();
  node.reset();
  co_await (*connection)->stop();
  co_return started;
}

}  // namespace

int run_kubelet(const std::vector<std::string>& arguments) {
  Flags flags;
  LoggingFlags logging;
  FlagSet set;
  set.add("kubeconfig", flags.kubeconfig, "How to reach the API server, and as whom");
  set.add("data-dir", flags.kubelet.options.data_dir, "Folder of the runtime, images and pods");
  set.add("client-ca-file", flags.client_ca_file, "CA of the callers of the kubelet's server");
  set.add("tls-cert-file", flags.tls_cert_file, "Serving certificate (\"\": self-signed)");
  set.add("tls-private-key-file", flags.tls_private_key_file, "Key of --tls-cert-file");
  flags.kubelet.add_to(set);
  flags.kubelet.add_alone_to(set);
  logging.add_to(set);
  if (auto code = parse_or_exit("kubelet", "The node agent alone.", set, arguments)) return *code;
  logging.apply();
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
