// `tiphys server`: a whole node in one process. Start order: API server, then the components that
// use it, each as its own user; stop order is the reverse.
#include "apiserver/registry/service_ranges.h"
#include "controllers/controller_manager.h"
#include "controllers/kubelet_requests.h"
#include "dns/cluster_dns.h"
#include "kubelet/kubelet.h"
#include "main/agent_config.h"
#include "main/api_server_process.h"
#include "main/command.h"
#include "main/dns_options.h"
#include "main/in_process_transport.h"
#include "main/join_setup.h"
#include "main/kubelet_flags.h"
#include "main/logging_flags.h"
#include "main/node_name.h"
#include "main/node_proxy.h"
#include "main/placement_explainer.h"
#include "main/pod_check.h"
#include "main/scheduler_config.h"
#include "os/interfaces.h"
#include "scheduler/scheduler.h"

namespace tiphys {
namespace {

constexpr uint64_t kDnsAddress = 10;

struct ServerFlags {
  ApiServerFlags api;
  KubeletFlags kubelet;
  NodeProxyFlags proxy;
  std::string node_name;
  std::string cluster_cidr = "10.42.0.0/16";
  std::string write_kubeconfig;
  std::string scheduler_config;
  controllers::NodeLifecycle::Options node_lifecycle;
  int64_t kubelet_port = 10250;
};

// A component's own door to the API server.
struct Door {
  InProcessTransport transport;
  client::Client client;
  Door(apiserver::ApiServer& server, const std::string& component, std::string user,
       std::vector<std::string> groups)
      : transport(server, make_user(std::move(user), std::move(groups)), component),
        client(transport, component) {}

 private:
  static apiserver::UserInfo make_user(std::string name, std::vector<std::string> groups) {
    groups.emplace_back(apiserver::kAllAuthenticated);
    return {.name = std::move(name), .uid = "", .groups = std::move(groups), .extra = {}};
  }
};

class ServerProcess {
 public:
  ServerProcess(Host& host, ServerFlags flags)
      : host_(host), flags_(std::move(flags)), api_(host, flags_.api) {}

  Task<Result<void>> start() {
    if (Result<void> good = flags_.proxy.check(); !good) co_return good;
    Result<void> started = read_scheduler_config();
    if (!started) co_return started;
    started = co_await api_.start();
    if (started) {
      Result<kubelet::Options> node = node_options();
      if (!node) co_return node.error();
      ClusterConfig config{flags_.cluster_cidr, flags_.api.service_cidr, node->cluster_domain,
                           node->cluster_dns};
      started = co_await set_up_joining(api_.server(), api_.url(), api_.pki().ca_pem(),
                                        std::move(config));
    }
    if (started) explain();
    tell_metrics();
    if (started) started = write_kubeconfig();
    if (started) started = start_controllers();
    if (!started) co_return started;
    start_scheduler();
    started = start_kubelet();
    if (started) started = start_proxy();
    if (started) started = start_dns();
    co_return started;
  }

  Task<void> stop() {
    if (dns_) co_await dns_->stop();
    if (proxy_) co_await proxy_->stop();
    if (kubelet_) co_await kubelet_->stop();
    if (scheduler_) co_await scheduler_->stop();
    if (manager_) co_await manager_->stop();
    dns_.reset();
    proxy_.reset();
    kubelet_.reset();
    scheduler_.reset();
    manager_.reset();
    doors_.clear();
    co_await api_.stop();
  }

 private:
  client::Client& open_door(const std::string& component, std::string user,
                            std::vector<std::string> groups = {}) {
    doors_.push_back(
        std::make_unique<Door>(api_.server(), component, std::move(user), std::move(groups)));
    return doors_.back()->client;
  }

  // Of a controller's own service account.
  client::Client& controller_door(std::string_view account) {
    return open_door("kube-controller-manager",
                     "system:serviceaccount:kube-system:" + std::string(account),
                     {"system:serviceaccounts", "system:serviceaccounts:kube-system"});
  }

  Result<void> write_kubeconfig() {
    if (flags_.write_kubeconfig.empty()) return {};
    api_.renewal().on_renewed(crypto::PkiLeaf::kAdmin, [this](const crypto::PkiPair&) {
      Result<void> written = write_admin();
      if (!written) LOG_ERROR("Kubeconfig not renewed", {"err", written.error()});
    });
    return write_admin();
  }

  Result<void> write_admin() {
    return api_.pki().write_kubeconfig(crypto::PkiLeaf::kAdmin, api_.url(),
                                       flags_.write_kubeconfig);
  }

  Result<void> start_controllers() {
    client::Client& client = open_door("kube-controller-manager", "system:kube-controller-manager");
    controllers::ControllerManager::Options options{.root_ca_pem = api_.pki().ca_pem()};
    options.ranges.cluster_cidr = flags_.cluster_cidr;
    options.ranges.service_cidr = flags_.api.service_cidr;
    options.controllers = {"*", "bootstrap-signer-controller", "token-cleaner-controller"};
    options.node_lifecycle = flags_.node_lifecycle;
    options.service_account_key = api_.pki().service_account_key();
    options.local_zone_file = controllers::kLocalZoneFile;
    TIPHYS_TRY(kubelet::Options, node, node_options());
    options.cluster_dns = node.cluster_dns;
    options.client_of = [this, &client](std::string_view,
                                        std::string_view account) -> client::Client& {
      return account.empty() ? client : controller_door(account);
    };
    if (const crypto::PrivateKey* key = api_.pki().ca_key()) {
      for (std::string_view signer :
           {controllers::kApiClientSigner, controllers::kKubeletClientSigner,
            controllers::kKubeletServingSigner}) {
        options.authorities.emplace(
            signer, controllers::CertificateSigning::Authority{*api_.pki().ca_certificate(), *key});
      }
    }
    TIPHYS_TRY(
        auto, manager,
        controllers::ControllerManager::create(host_.loop(), client, host_.random(), options));
    manager_ = std::move(manager);
    manager_->start();
    return {};
  }

  void explain() {
    std::vector<scheduler::ExtenderConfig> extenders;
    for (const scheduler::Extender& one : scheduler_options_.extenders) {
      extenders.push_back(one.config);
    }
    explain_placements(api_.server(), host_.loop(), host_.pool(),
                       scheduler::Profiles(scheduler_options_.profiles), std::move(extenders));
  }

  // One process, one /metrics: that of the API server tells of controllers and scheduler too.
  void tell_metrics() {
    api_.server().add_metrics([this] { return manager_ ? manager_->metrics_text() : ""; });
    api_.server().add_metrics([this] { return scheduler_ ? scheduler_->metrics_text() : ""; });
    api_.server().add_metrics([this] { return dns_ ? dns_->metrics_text() : ""; });
    api_.server().add_metrics([this] { return proxy_ ? proxy_->metrics_text() : ""; });
  }

  // Of the file, election and connection mean nothing here: it is the only scheduler.
  Result<void> read_scheduler_config() {
    if (flags_.scheduler_config.empty()) return {};
    TIPHYS_TRY(scheduler::Configuration, config, load_scheduler_config(flags_.scheduler_config));
    TIPHYS_TRY(scheduler::Scheduler::Options, options, scheduler_options(host_.loop(), config));
    scheduler_options_ = std::move(options);
    return {};
  }

  void start_scheduler() {
    client::Client& client = open_door("kube-scheduler", "system:kube-scheduler");
    scheduler_ = std::make_unique<scheduler::Scheduler>(host_.loop(), client, host_.random(),
                                                        scheduler_options_);
    scheduler_->start();
  }

  Result<kubelet::Options> node_options() {
    TIPHYS_TRY(kubelet::Configuration, configuration, flags_.kubelet.configuration());
    TIPHYS_TRY(kubelet::Options, options, flags_.kubelet.resolve(configuration));
    TIPHYS_TRY(auto, ranges, apiserver::parse_service_ranges(flags_.api.service_cidr));
    // As kubeadm: the tenth address of the first range.
    IpAddress dns = ranges[0].at(kDnsAddress);
    if (!ranges[0].holds(dns)) return options;
    ClusterConfig own{.cluster_dns = {canonical_text(dns)}};
    (void)apply_cluster_config(own, true, configuration, options);  // what was given wins
    return options;
  }

  Result<void> start_kubelet() {
    TIPHYS_TRY(kubelet::Options, options, node_options());
    const crypto::PkiPair& serving = api_.pki().pair(crypto::PkiLeaf::kKubeletServing);
    options.node_name = flags_.node_name;
    if (options.node_ip.empty()) options.node_ip = node_addresses();
    options.data_dir = flags_.api.data_dir;
    options.cluster_cidr = flags_.cluster_cidr;
    options.port = static_cast<uint16_t>(flags_.kubelet_port);
    options.tls_cert_pem = serving.certificate_pem;
    options.tls_key_pem = serving.key_pem;
    options.client_ca_pem = api_.pki().ca_pem();
    // The process has a /healthz already, and its calls to the API need no limit.
    if (flags_.kubelet.config.empty()) options.healthz_port = 0;
    options.kube_api_qps = 0;
    options.check_pod = check_new_pod;
    client::Client& client =
        open_door("kubelet", "system:node:" + flags_.node_name, {"system:nodes"});
    kubelet_ = std::make_unique<kubelet::Kubelet>(host_.loop(), host_.pool(), client,
                                                  host_.random(), options);
    api_.renewal().on_renewed(crypto::PkiLeaf::kKubeletServing, [this](const crypto::PkiPair& p) {
      if (!kubelet_) return;
      Result<void> replaced = kubelet_->replace_serving_certificate(p.certificate_pem, p.key_pem);
      if (!replaced) LOG_ERROR("Kubelet certificate not replaced", {"err", replaced.error()});
    });
    return kubelet_->start();
  }

  // That of the API server and, where pods have two families, the machine's of the other one.
  std::string node_addresses() const {
    std::string first = api_.advertise_address();
    bool v6 = first.find(':') != first.npos;
    std::string other = os::primary_address(v6 ? os::Family::kIpv4 : os::Family::kIpv6);
    bool dual = flags_.cluster_cidr.find(',') != std::string::npos;
    return dual && !other.empty() ? first + "," + other : first;
  }

  Result<void> start_proxy() {
    client::Client& client = open_door("kube-proxy", "system:kube-proxy");
    TIPHYS_TRY(auto, made,
               NodeProxy::create(host_, client, flags_.proxy, flags_.node_name,
                                 flags_.kubelet.options.bridge_name, flags_.cluster_cidr));
    proxy_ = std::move(made);
    proxy_->start();
    return {};
  }

  Result<void> start_dns() {
    TIPHYS_TRY(kubelet::Options, node, node_options());
    node.node_name = flags_.node_name;
    node.cluster_cidr = flags_.cluster_cidr;
    client::Client& client = open_door("dns", "system:node:" + node.node_name, {"system:nodes"});
    TIPHYS_TRY(auto, dns,
               dns::ClusterDns::create(host_.loop(), host_.pool(), client, host_.random(),
                                       dns_options(node)));
    dns_ = std::move(dns);
    dns_->start();
    return {};
  }

  Host& host_;
  ServerFlags flags_;
  ApiServerProcess api_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::unique_ptr<controllers::ControllerManager> manager_;
  scheduler::Scheduler::Options scheduler_options_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<kubelet::Kubelet> kubelet_;
  std::unique_ptr<NodeProxy> proxy_;
  std::unique_ptr<dns::ClusterDns> dns_;
};

Task<Result<void>> serve(Host& host, ServerFlags flags) {
  ServerProcess process(host, std::move(flags));
  Result<void> result = co_await process.start();
  if (result) co_await host.wait_for_stop();
  co_await process.stop();
  co_return result;
}

}  // namespace

int run_server(const std::vector<std::string>& arguments) {
  ServerFlags flags;
  LoggingFlags logging;
  FlagSet set;
  flags.api.enable_bootstrap_token_auth = true;  // as kubeadm's clusters
  flags.api.add_to(set);
  flags.kubelet.options.node_routes = true;
  flags.kubelet.add_shared_to(set);
  flags.proxy.add_to(set);
  set.add("node-name", flags.node_name, "Name of this node (\"\": the host's)");
  set.add("node-monitor-grace-period", flags.node_lifecycle.grace_period,
          "How long a node may be silent before it is unhealthy");
  set.add("cluster-cidr", flags.cluster_cidr,
          "Ranges of the cluster's pods: one, or one of each IP family");
  set.add("kubelet-port", flags.kubelet_port, "Port of the kubelet's server");
  set.add("scheduler-config", flags.scheduler_config,
          "KubeSchedulerConfiguration file of the scheduler (\"\": the defaults)");
  set.add("write-kubeconfig", flags.write_kubeconfig, "Write an administrator's kubeconfig here");
  logging.add_to(set);
  constexpr std::string_view kAbout =
      "A whole node in one process: API server on the embedded store, controllers, scheduler, "
      "kubelet, service\nproxy and DNS.";
  if (auto code = parse_or_exit("server", kAbout, set, arguments)) return *code;
  logging.apply();
  flags.node_name = node_name(flags.node_name);
  flags.api.node_name = flags.node_name;
  Host host;
  return host.run([&flags](Host& running) { return serve(running, flags); });
}

}  // namespace tiphys
