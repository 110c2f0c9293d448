#include "proxy/config/configuration.h"

#include <gtest/gtest.h>

#include "proxy/config/configuration_options.h"

namespace tiphys::proxy {
namespace {

constexpr const char* kHead =
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

Configuration read(const std::string& body, std::string_view overlay = "") {
  Result<Configuration> config = Configuration::parse(kHead + body, overlay);
  EXPECT_TRUE(config) << config.error().message();
  return std::move(*config);
}

std::string wrong(const std::string& body) {
  Result<Configuration> config = Configuration::parse(kHead + body);
  if (!config) return config.error().message();
  if (Result<void> valid = config->validate(); !valid) return valid.error().message();
  Result<Proxier::Options> options = proxier_options(*config, {});
  return options ? "" : options.error().message();
}

TEST(ProxyConfiguration, DefaultsAreUpstreams) {
  Result<Configuration> config = Configuration::parse("");
  ASSERT_TRUE(config);
  auto c = config->view();
  EXPECT_EQ(c.healthz_bind_address(), "0.0.0.0:10256");
  EXPECT_EQ(c.metrics_bind_address(), "127.0.0.1:10249");
  EXPECT_EQ(c.oom_score_adj(), -999);
  EXPECT_EQ(c.iptables().masquerade_bit(), 14);
  EXPECT_EQ(c.conntrack().max_per_core(), 32768);
  EXPECT_TRUE(config->validate());
  Result<Proxier::Options> options = proxier_options(*config, {});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->mode, Mode::kNftables);
  EXPECT_EQ(options->settings.mark_bit, 0x4000u);
  EXPECT_TRUE(options->node_ports_on_primary);
  EXPECT_EQ(options->check_period, std::chrono::seconds(30));
}

TEST(ProxyConfiguration, EmptyAndZeroAreAbsent) {
  Configuration config = read(
      "bindAddress: \"::\"\nmode: \"\"\nconfigSyncPeriod: 0s\niptables: {syncPeriod: 0s}\n"
      "metricsBindAddress: 10.0.0.1\nclientConnection: {qps: 0, burst: 0, contentType: \"\"}\n");
  EXPECT_TRUE(config.validate());
  EXPECT_EQ(config.view().healthz_bind_address(), "[::]:10256");
  EXPECT_EQ(config.view().metrics_bind_address(), "10.0.0.1:10249");
  EXPECT_EQ(config.view().client_connection().content_type(),
            "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(config.view().mode(), "nftables");
}

TEST(ProxyConfiguration, EverySectionReachesTheOptions) {
  Configuration config = read(
      "mode: iptables\nclusterCIDR: 10.42.0.0/16,fd00::/56\nnodePortAddresses: [10.0.0.0/8]\n"
      "iptables: {masqueradeBit: 3, masqueradeAll: true, syncPeriod: 7s, minSyncPeriod: 2s}\n"
      "conntrack: {maxPerCore: 100, min: 150, tcpBeLiberal: true, udpTimeout: 5s,\n"
      "  tcpEstablishedTimeout: 0s}\n");
  ASSERT_TRUE(config.validate());
  Result<Proxier::Options> options = proxier_options(config, {});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->mode, Mode::kIptables);
  EXPECT_EQ(options->settings.mark_bit, 8u);
  EXPECT_TRUE(options->settings.masquerade_all);
  EXPECT_EQ(options->settings.cluster_cidrs.size(), 2u);
  EXPECT_EQ(options->settings.node_port_cidrs.size(), 1u);
  EXPECT_EQ(options->check_period, std::chrono::seconds(7));
  EXPECT_EQ(options->min_sync, std::chrono::seconds(2));
  std::string all;
  for (const ConntrackSetting& s : conntrack_settings(config, 2)) {
    all += std::string(s.name) + "=" + std::to_string(s.value) + " ";
  }
  EXPECT_EQ(all,
            "nf_conntrack_max=200 nf_conntrack_tcp_timeout_close_wait=3600 "
            "nf_conntrack_tcp_be_liberal=1 nf_conntrack_udp_timeout=5 ");
}

TEST(ProxyConfiguration, NodePortsOnAllAddressesAreOnThoseThatComeLaterToo) {
  auto ranges = [](const std::string& list) {
    return proxier_options(read("nodePortAddresses: " + list + "\n"), {})->settings.node_port_cidrs;
  };
  EXPECT_TRUE(ranges("[0.0.0.0/0, \"::/0\", 10.0.0.0/8]").empty());
  EXPECT_EQ(ranges("[0.0.0.0/0, \"fd00::/8\"]").size(), 2u);
}

TEST(ProxyConfiguration, LocalTrafficByInterfaceOrNode) {
  Configuration bridge =
      read("detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: cni0}\n");
  EXPECT_EQ(proxier_options(bridge, {})->settings.local_interface, "cni0");
  Configuration prefix =
      read("detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: veth}\n");
  EXPECT_EQ(proxier_options(prefix, {})->settings.local_interface, "veth+");
  EXPECT_TRUE(proxier_options(read("detectLocalMode: NodeCIDR\n"), {})->local_by_node_cidr);
}

TEST(ProxyConfiguration, TheOverlayWins) {
  Configuration config = read("mode: iptables\niptables: {masqueradeBit: 3, masqueradeAll: true}\n",
                              R"({"iptables":{"masqueradeBit":5}})");
  EXPECT_EQ(config.view().iptables().masquerade_bit(), 5);
  EXPECT_TRUE(config.view().iptables().masquerade_all());
}

TEST(ProxyConfiguration, MistakesAreToldAsUpstream) {
  const std::string k = "KubeProxyConfiguration.";
  EXPECT_EQ(wrong("bindAddress: x\n"),
            k + "BindAddress: Invalid value: \"x\": not a valid textual representation of an IP "
                "address");
  EXPECT_EQ(wrong("mode: userspace\n"),
            k + "Mode.ProxyMode: Invalid value: \"userspace\": must be iptables, ipvs, nftables or "
                "blank (blank means the best-available proxy [currently iptables])");
  EXPECT_EQ(wrong("nodePortAddresses: [10.0.0.0/8, x]\n"),
            k + "NodePortAddresses[1]: Invalid value: \"x\": must be a valid CIDR");
  EXPECT_EQ(wrong("nodePortAddresses: [primary, 10.0.0.0/8]\n"),
            k + "NodePortAddresses[0]: Invalid value: \"primary\": can't use both 'primary' and "
                "CIDRs");
  EXPECT_EQ(wrong("healthzBindAddress: 1.2.3.4:70000\n"),
            k + "HealthzBindAddress: Invalid value: \"70000\": must be a valid port");
  EXPECT_EQ(wrong("iptables: {masqueradeBit: 32}\noomScoreAdj: 2000\n"),
            "[" + k +
                "KubeProxyIPTablesConfiguration.MasqueradeBit: Invalid value: 32: must be within "
                "the range [0, 31], " +
                k +
                "KubeProxyLinuxConfiguration.OOMScoreAdj: Invalid value: 2000: must be within "
                "the range [-1000, 1000]]");
  EXPECT_EQ(wrong("nftables: {syncPeriod: 1s, minSyncPeriod: 2s}\n"),
            k + "SyncPeriod: Invalid value: \"2s\": must be greater than or equal to " + k +
                "MinSyncPeriod");
  EXPECT_EQ(wrong("detectLocalMode: BridgeInterface\n"),
            k + "DetectLocalConfiguration.InterfaceName: Invalid value: \"\": must not be empty");
  EXPECT_EQ(wrong("clusterCIDR: 10.0.0.0/8,11.0.0.0/8\n"),
            k + "DetectLocalConfiguration.ClusterCIDRs: Invalid value: "
                "[\"10.0.0.0/8\",\"11.0.0.0/8\"]: must be a either a single CIDR or dual-stack "
                "pair of CIDRs (e.g. [10.100.0.0/16, fde4:8dba:82e1::/48]");
  EXPECT_EQ(wrong("detectLocalMode: Guess\n"),
            k + "DetectLocalMode: Unsupported value: \"Guess\": supported values: \"ClusterCIDR\", "
                "\"NodeCIDR\", \"BridgeInterface\", \"InterfaceNamePrefix\", \"\"");
  EXPECT_EQ(wrong("nonsense: 1\n"), "strict decoding error: unknown field \"nonsense\"");
}

TEST(ProxyConfiguration, WhatIsNotThereIsNamed) {
  EXPECT_EQ(wrong("mode: ipvs\n"),
            "mode: \"ipvs\" is not supported by this kube-proxy: nftables and iptables are");
  EXPECT_EQ(wrong("mode: iptables\niptables: {localhostNodePorts: true}\n"),
            "iptables.localhostNodePorts: true is not supported by this kube-proxy: node ports are "
            "never served on loopback (CVE-2020-8558)");
  EXPECT_EQ(wrong("enableProfiling: true\n"),
            "enableProfiling: true is not supported by this kube-proxy: there is no profiling");
  EXPECT_NE(
      wrong("detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: \"a\\\" drop\"}\n"),
      "");
}

}  // namespace
}  // namespace tiphys::proxy
