#include "client/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "os/files.h"

namespace tiphys::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char kText[] = R"(
apiVersion: v1
kind: Config
current-context: main
clusters:
- name: c
  cluster:
    server: https://10.0.0.1:6443
    certificate-authority-data: Q0E=
    tls-server-name: kubernetes
- name: open
  cluster: {server: "http://127.0.0.1:8080/prefix/", insecure-skip-tls-verify: true}
contexts:
- name: main
  context: {cluster: c, user: u, namespace: web}
- name: open
  context: {cluster: open, user: ""}
- name: lost
  context: {cluster: c, user: nobody}
- name: plugin
  context: {cluster: c, user: plugin}
users:
- name: u
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
    token: abc
    as: alice
    as-groups: [x, z]
    as-user-extra: {reason: [a]}
- name: plugin
  user: {exec: {command: aws}}
)";

TEST(Kubeconfig, ReadsTheCurrentContext) {
  auto config = parse_kubeconfig(kText, "");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->ns, "web");
  EXPECT_EQ(config->tls.ca_pem, "CA");
  EXPECT_EQ(config->tls.certificate_pem, "CERT");
  EXPECT_EQ(config->tls.key_pem, "KEY");
  EXPECT_EQ(config->tls_server_name, "kubernetes");
  EXPECT_EQ(config->token, "abc");
  EXPECT_EQ(config->as_user, "alice");
  EXPECT_THAT(config->as_groups, ElementsAre("x", "z"));
  EXPECT_THAT(config->as_extra["reason"], ElementsAre("a"));
}

TEST(Kubeconfig, ReadsANamedContext) {
  auto config = parse_kubeconfig(kText, "", "open");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_TRUE(config->tls.insecure_skip_verify);
  EXPECT_EQ(config->token, "");
}

TEST(Kubeconfig, SaysWhatIsMissing) {
  EXPECT_EQ(parse_kubeconfig(kText, "", "x").error().message(), "context \"x\" does not exist");
  EXPECT_EQ(parse_kubeconfig(kText, "", "lost").error().message(),
            "auth info \"nobody\" does not exist");
  EXPECT_THAT(parse_kubeconfig(kText, "", "plugin").error().message(),
              HasSubstr("credential plugins (exec) are not supported"));
  for (std::string bad : {"", "a", "[]", "clusters: 5\ncurrent-context: a",
                          "\t:", "current-context: a\ncontexts: [{name: a, context: 5}]"}) {
    EXPECT_FALSE(parse_kubeconfig(bad, "")) << bad;
  }
  EXPECT_FALSE(parse_kubeconfig(std::string(kMaxKubeconfigBytes + 1, ' '), ""));
}

TEST(Kubeconfig, ReadsFilesBesideIt) {
  char name[] = "/tmp/tiphys-kubeconfig-XXXXXX";
  std::string folder = mkdtemp(name);
  ASSERT_TRUE(os::write_file(folder + "/ca.crt", "CA"));
  ASSERT_TRUE(os::write_file(folder + "/token", "secret\n"));
  ASSERT_TRUE(os::write_file(folder + "/config", R"(
current-context: a
clusters: [{name: c, cluster: {server: "https://h", certificate-authority: ca.crt}}]
contexts: [{name: a, context: {cluster: c, user: u}}]
users: [{name: u, user: {tokenFile: token}}]
)"));
  auto config = load_kubeconfig(folder + "/config");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->tls.ca_pem, "CA");
  EXPECT_EQ(config->token, "secret");
  EXPECT_EQ(config->token_file, folder + "/token");
  EXPECT_THAT(load_kubeconfig(folder + "/none").error().message(), HasSubstr("/none"));
  (void)os::remove_tree(folder);
}

TEST(InClusterConfig, IsWhatPodsAreGiven) {
  char name[] = "/tmp/in-cluster-XXXXXX";
  std::string folder = mkdtemp(name);
  EXPECT_THAT(in_cluster_config("10.43.0.1", "443", folder).error().message(),
              HasSubstr(folder + "/token"));
  ASSERT_TRUE(os::write_file(folder + "/token", "secret\n"));
  EXPECT_THAT(in_cluster_config("10.43.0.1", "443", folder).error().message(),
              HasSubstr(folder + "/ca.crt"));
  ASSERT_TRUE(os::write_file(folder + "/ca.crt", "CA"));
  auto config = in_cluster_config("10.43.0.1", "443", folder);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server, "https://10.43.0.1:443");
  EXPECT_EQ(config->token, "secret");
  EXPECT_EQ(config->token_file, folder + "/token") << "it is rotated";
  EXPECT_EQ(config->tls.ca_pem, "CA");
  EXPECT_EQ(in_cluster_config("fd00::1", "443", folder)->server, "https://[fd00::1]:443");
  for (auto [host, port] : {std::pair{"", "443"}, {"10.43.0.1", ""}}) {
    EXPECT_EQ(in_cluster_config(host, port, folder).error().message(),
              "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
              "KUBERNETES_SERVICE_PORT must be defined");
  }
  (void)os::remove_tree(folder);
}

TEST(ServerUrl, IsTakenApart) {
  auto plain = parse_server_url("https://10.0.0.1");
  EXPECT_EQ(plain->address, "10.0.0.1:443");
  EXPECT_TRUE(plain->tls);
  auto six = parse_server_url("https://[::1]:6443/a/b/");
  EXPECT_EQ(six->address, "[::1]:6443");
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->path, "/a/b");
  EXPECT_EQ(parse_server_url("localhost:8080")->address, "localhost:8080");
  EXPECT_FALSE(parse_server_url("localhost:8080")->tls);
  for (std::string bad : {"", "https://", "https://h:99999", "https://h:x", "https://a@b",
                          "https://::1", "https://[::1", "https://h h"}) {
    EXPECT_FALSE(parse_server_url(bad)) << bad;
  }
}

}  // namespace
}  // namespace tiphys::client
