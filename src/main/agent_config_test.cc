#include "main/agent_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kubelet/config/configuration_options.h"

namespace tiphys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const ClusterConfig kCluster{.pod_subnet = "10.50.0.0/16",
                             .service_subnet = "10.51.0.0/16",
                             .cluster_domain = "example.org",
                             .cluster_dns = {"10.51.0.10"}};

struct Node {
  explicit Node(std::string_view by_hand = "")
      : configuration(*kubelet::Configuration::parse({}, by_hand)) {
    (void)kubelet::apply_configuration(configuration, options);
  }
  kubelet::Configuration configuration;
  kubelet::Options options;
};

TEST(AgentConfigTest, a_node_takes_what_its_cluster_has) {
  Node node;
  EXPECT_THAT(apply_cluster_config(kCluster, false, node.configuration, node.options), IsEmpty());
  EXPECT_EQ(node.options.cluster_cidr, "10.50.0.0/16");
  EXPECT_THAT(node.options.cluster_dns, ElementsAre("10.51.0.10"));
  EXPECT_EQ(node.options.cluster_domain, "example.org");
  EXPECT_THAT(node.options.configuration_json, HasSubstr(R"("clusterDNS":["10.51.0.10"])"));
  EXPECT_THAT(node.options.configuration_json, HasSubstr(R"("clusterDomain":"example.org")"));
}

TEST(AgentConfigTest, what_is_given_by_hand_wins_and_is_told) {
  Node node(R"({"clusterDNS":["10.1.0.10","10.1.0.11"],"clusterDomain":"my.domain"})");
  node.options.cluster_cidr = "10.1.0.0/16";
  EXPECT_THAT(apply_cluster_config(kCluster, true, node.configuration, node.options),
              ElementsAre("--cluster-cidr is \"10.1.0.0/16\", the cluster's is \"10.50.0.0/16\"",
                          "clusterDNS is \"10.1.0.10,10.1.0.11\", the cluster's is \"10.51.0.10\"",
                          "clusterDomain is \"my.domain\", the cluster's is \"example.org\""));
  EXPECT_EQ(node.options.cluster_cidr, "10.1.0.0/16");
  EXPECT_THAT(node.options.cluster_dns, ElementsAre("10.1.0.10", "10.1.0.11"));
  EXPECT_EQ(node.options.cluster_domain, "my.domain");
}

TEST(AgentConfigTest, given_as_the_cluster_has_it_is_nothing_to_tell) {
  Node node(R"({"clusterDNS":["10.51.0.10"]})");
  node.options.cluster_cidr = "10.50.0.0/16";
  EXPECT_THAT(apply_cluster_config(kCluster, true, node.configuration, node.options), IsEmpty());
  EXPECT_EQ(node.options.cluster_domain, "example.org");
}

TEST(AgentConfigTest, a_cluster_that_tells_nothing_leaves_the_defaults) {
  Node node;
  kubelet::Options before = node.options;
  EXPECT_THAT(apply_cluster_config({}, false, node.configuration, node.options), IsEmpty());
  EXPECT_EQ(node.options.cluster_cidr, before.cluster_cidr);
  EXPECT_EQ(node.options.cluster_dns, before.cluster_dns);
  EXPECT_EQ(node.options.cluster_domain, before.cluster_domain);
}

}  // namespace
}  // namespace tiphys
