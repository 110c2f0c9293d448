// PacketTest: one Service's rules of any mode and family in a small network
// (packet_network_test.h), put there by the mode's own Backend. Needs root.
#pragma once
#include <gtest/gtest.h>

#include <set>

#include "proxy/iptables_backend.h"
#include "proxy/nft.h"
#include "proxy/nft_backend.h"
#include "proxy/packet_network_test.h"

namespace tiphys::proxy {

struct Ruling {
  std::string mode;  // "nftables", or iptables' flavour: "nft", "legacy"
  Family family = Family::kIpv4;
};
inline void PrintTo(const Ruling& ruling, std::ostream* out) { *out << ruling.mode; }
inline std::string ruling_name(const testing::TestParamInfo<Ruling>& info) {
  std::string mode = info.param.mode == "nftables" ? "nftables" : "iptables_" + info.param.mode;
  return mode + (info.param.family == Family::kIpv4 ? "" : "_ipv6");
}

class PacketTest : public testing::TestWithParam<Ruling> {
 protected:
  void SetUp() override {
    if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
    network = std::make_unique<PacketNetwork>(2);
    settings.table = "tiphys-proxy-test";
    settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16"), *Cidr::parse("fd42::/48")};
    in_namespace(network->node(), [&] { settings.masquerade_same_node = !prepare_kernel(v6()); });
    node = {.name = "n1",
            .pod_cidrs = {*Cidr::parse("10.42.0.0/24"), *Cidr::parse("fd42::/64")},
            .addresses = {*Address::parse("192.168.77.1"), *Address::parse("fd77::1")}};
    web.key = "default/web";
    web.cluster_ips = {*Address::parse(front())};
    web.ports = {{.protocol = "tcp", .port = 80, .node_port = 30080},
                 {.name = "dns", .protocol = "udp", .port = 53, .node_port = 30053}};
    slice.ports = {{.protocol = "tcp", .port = 8080},
                   {.name = "dns", .protocol = "udp", .port = 5300}};
    for (int i : {1, 2}) {
      std::string name = "pod" + std::to_string(i);
      servers.push_back(std::make_unique<EchoServer>(network->pod(i), name, 8080, false));
      servers.push_back(std::make_unique<EchoServer>(network->pod(i), name, 5300, true));
    }
  }

  // ---- addresses of the family ----
  Family family() const { return GetParam().family; }
  bool v6() const { return family() == Family::kIpv6; }
  std::string pick(const char* v4_text, const char* v6_text) const {
    return v6() ? v6_text : v4_text;
  }
  std::string front() const { return pick("10.43.0.5", "fd43::5"); }
  std::string other_front() const { return pick("10.43.0.6", "fd43::6"); }
  std::string node_ip() const { return pick("192.168.77.1", "fd77::1"); }
  std::string bridge_ip() const { return pick("10.42.0.1", "fd42::1"); }
  std::string client_ip() const { return pick("192.168.77.2", "fd77::2"); }
  std::string outside_ip(int i) const {
    return pick("198.51.100.", "2001:db8::") + std::to_string(i);
  }
  std::string pod_ip(int i) const {
    return v6() ? PacketNetwork::pod_ip6(i) : PacketNetwork::pod_ip(i);
  }
  // What an endpoint on the bridge sees of a pod of the bridge that comes by a Service.
  std::string seen_from_pod(int i) const {
    return settings.masquerade_same_node ? bridge_ip() : pod_ip(i);
  }

  // ---- rules ----
  void endpoints(const std::vector<int>& pods) {
    slice.endpoints.clear();
    for (int i : pods) {
      slice.endpoints.push_back({.address = *Address::parse(pod_ip(i)),
                                 .ready = true,
                                 .serving = true,
                                 .node_name = "n1"});
    }
  }
  void start() {
    const std::string& mode = GetParam().mode;
    backend = mode == "nftables"
                  ? make_nft_backend(settings, family(), std::make_shared<NftCustody>())
                  : make_iptables_backend(settings, family(), mode);
    set(web);
    apply(true);
  }
  void set(const ServiceFacts& service) { backend->set(service.key, &service, {&slice, 1}, node); }
  void erase(const ServiceFacts& service) { backend->set(service.key, nullptr, {}, node); }
  void change() {
    set(web);
    apply(false);
  }
  void apply(bool full) {
    Backend::Transaction transaction = backend->take(full, node);
    ASSERT_NE(transaction.bytes, 0u);
    in_namespace(network->node(), [&] {
      Result<std::string> applied = transaction.apply();
      EXPECT_TRUE(applied) << applied.error().message();
    });
  }
  os::CommandResult run(const std::vector<std::string>& command) {
    os::CommandResult result;
    in_namespace(network->node(), [&] { result = *os::run_command(command); });
    return result;
  }

  // ---- packets ----
  std::string from_client(const std::string& ip, uint16_t port, bool udp = false) {
    return network->fetch(network->client(), ip, port, udp);
  }
  std::string from_node(const std::string& ip, uint16_t port, bool udp = false) {
    return network->fetch(network->node(), ip, port, udp);
  }
  std::string from_pod(int i, const std::string& ip, uint16_t port, bool udp = false) {
    return network->fetch(network->pod(i), ip, port, udp);
  }
  // Nothing comes back from there, not even a refusal.
  bool silent(const std::string& ns, const std::string& ip, uint16_t port) {
    return network->fetch(ns, ip, port, false, 0, PacketNetwork::kSilenceMs) == "error: timeout";
  }

  std::unique_ptr<PacketNetwork> network;
  Settings settings;
  NodeFacts node;
  ServiceFacts web;
  SliceFacts slice;
  std::unique_ptr<Backend> backend;
  std::vector<std::unique_ptr<EchoServer>> servers;
};

}  // namespace tiphys::proxy
