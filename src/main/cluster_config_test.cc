#include "main/cluster_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tiphys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const ClusterConfig kConfig{.pod_subnet = "10.50.0.0/16,fd00:50::/56",
                            .service_subnet = "10.51.0.0/16,fd00:51::/108",
                            .cluster_domain = "example.org",
                            .cluster_dns = {"10.51.0.10", "fd00:51::a"}};

// As kubeadm init of v1.35 leaves it, of a cluster with a podSubnet.
constexpr std::string_view kKubeadm = R"(apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
caCertificateValidityPeriod: 87600h0m0s
certificatesDir: /etc/kubernetes/pki
clusterName: kubernetes
controllerManager: {}
dns: {}
etcd:
  local:
    dataDir: /var/lib/etcd
kind: ClusterConfiguration
kubernetesVersion: v1.35.0
networking:
  dnsDomain: cluster.local
  podSubnet: 192.168.0.0/16
  serviceSubnet: 10.96.0.0/12
scheduler: {}
)";

constexpr std::string_view kKubelet = R"(apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
cgroupDriver: systemd
clusterDNS:
- 10.96.0.10
clusterDomain: kubelet.local
kind: KubeletConfiguration
aFieldOfTomorrow: {}
)";

TEST(ClusterConfigTest, what_is_written_is_read) {
  ClusterConfig read;
  for (const ClusterDocument& document : kClusterDocuments) {
    ASSERT_TRUE(document.read(document.write(kConfig), read));
  }
  EXPECT_EQ(read, kConfig);
  EXPECT_THAT(cluster_configuration_yaml(kConfig), HasSubstr("kubernetesVersion: v1.35.2\n"));
}

TEST(ClusterConfigTest, nothing_told_is_nothing_read) {
  ClusterConfig read;
  for (const ClusterDocument& document : kClusterDocuments) {
    ASSERT_TRUE(document.read(document.write({}), read));
  }
  EXPECT_EQ(read, ClusterConfig{});
}

TEST(ClusterConfigTest, kubeadms_own_documents_are_read) {
  ClusterConfig read;
  ASSERT_TRUE(read_kubelet_configuration(kKubelet, read));
  ASSERT_TRUE(read_cluster_configuration(kKubeadm, read));
  EXPECT_EQ(read.pod_subnet, "192.168.0.0/16");
  EXPECT_EQ(read.service_subnet, "10.96.0.0/12");
  EXPECT_THAT(read.cluster_dns, ElementsAre("10.96.0.10"));
  EXPECT_EQ(read.cluster_domain, "kubelet.local") << "that of the kubelet's document";
}

TEST(ClusterConfigTest, what_is_wrong_is_named_and_nothing_of_it_taken) {
  struct Case {
    std::string networking;
    std::string why;
  };
  for (const Case& one : std::vector<Case>{
           {"podSubnet: nonsense", "networking.podSubnet: Invalid value: \"nonsense\": must be a"},
           {"podSubnet: 10.0.0.0/33", "networking.podSubnet: Invalid value"},
           {"podSubnet: 10.0.0.0/16,10.1.0.0/16", "must be a CIDR, or one of each IP family"},
           {"podSubnet: \"10.0.0.0/16,fd00::/48,fd01::/48\"", "or one of each IP family"},
           {"podSubnet: [10.0.0.0/16]", "networking.podSubnet: must be a string"},
           {"serviceSubnet: \"\\u0000\"", "networking.serviceSubnet: Invalid value"},
           {"dnsDomain: 'a b'", "networking.dnsDomain: Invalid value: \"a b\""},
           {"dnsDomain: \"x\\noptions ndots:9\"", "networking.dnsDomain: Invalid value"}}) {
    ClusterConfig read;
    Result<void> done = read_cluster_configuration(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n"
        "  serviceSubnet: 10.1.0.0/16\n  " +
            one.networking + "\n",
        read);
    ASSERT_FALSE(done) << one.networking;
    EXPECT_THAT(done.error().message(), HasSubstr(one.why));
    EXPECT_EQ(read, ClusterConfig{});
  }
}

TEST(ClusterConfigTest, documents_of_another_kind_are_refused) {
  ClusterConfig read;
  EXPECT_THAT(read_cluster_configuration(kKubelet, read).error().message(),
              HasSubstr("it is no ClusterConfiguration of kubeadm.k8s.io"));
  EXPECT_THAT(read_kubelet_configuration(kKubeadm, read).error().message(),
              HasSubstr("it is no KubeletConfiguration of kubelet.config.k8s.io"));
  for (std::string_view text : {"", "[]", "1", "{", "a: *b", "kind: ClusterConfiguration"}) {
    EXPECT_FALSE(read_cluster_configuration(text, read)) << text;
    EXPECT_FALSE(read_kubelet_configuration(text, read)) << text;
  }
  EXPECT_EQ(read, ClusterConfig{});
}

TEST(ClusterConfigTest, name_servers_are_addresses_and_few) {
  std::string head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
  ClusterConfig read;
  EXPECT_THAT(
      read_kubelet_configuration(head + "clusterDNS: [dns.example]\n", read).error().message(),
      HasSubstr("clusterDNS[0]: Invalid value: \"dns.example\": must be a valid IP"));
  EXPECT_FALSE(read_kubelet_configuration(head + "clusterDNS: [7]\n", read));
  EXPECT_FALSE(read_kubelet_configuration(head + "clusterDNS: 10.0.0.1\n", read));
  std::string many = "clusterDNS:\n";
  for (size_t i = 0; i < kMaxClusterDns; ++i) many += "- 10.0.0.1\n";
  EXPECT_TRUE(read_kubelet_configuration(head + many, read));
  ClusterConfig none;
  EXPECT_THAT(read_kubelet_configuration(head + many + "- 10.0.0.1\n", none).error().message(),
              HasSubstr("clusterDNS: must have at most 16 items"));
  EXPECT_THAT(none.cluster_dns, IsEmpty());
}

}  // namespace
}  // namespace tiphys
