#include "main/node_proxy.h"

#include <gtest/gtest.h>

#include "proxy/config/configuration_options.h"

namespace tiphys {
namespace {

TEST(NodeProxyFlags, ANodesConfigurationIsUpstreamsDefaultWithNodePortsOnEveryAddress) {
  NodeProxyFlags flags{.mode = "iptables"};
  Result<proxy::Configuration> config = flags.configuration("n\"1", "10.42.0.0/16,fd00::/56");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_TRUE(config->validate());
  EXPECT_EQ(config->view().hostname_override(), "n\"1");
  EXPECT_EQ(config->view().healthz_bind_address(), "0.0.0.0:10256");
  EXPECT_EQ(config->view().metrics_bind_address(), "127.0.0.1:10249");
  Result<proxy::Proxier::Options> options = proxy::proxier_options(*config, {});
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->mode, proxy::Mode::kIptables);
  EXPECT_EQ(options->settings.cluster_cidrs.size(), 2u);
  EXPECT_TRUE(options->settings.node_port_cidrs.empty());
  EXPECT_FALSE(options->node_ports_on_primary);
}

TEST(NodeProxyFlags, WhereTheFirstFamilyIsIpv6ThePortsAreThere) {
  Result<proxy::Configuration> config = NodeProxyFlags().configuration("n1", "fd00::/56");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->view().healthz_bind_address(), "[::]:10256");
  EXPECT_EQ(config->view().metrics_bind_address(), "[::1]:10249");
}

}  // namespace
}  // namespace tiphys
