// The whole proxy against a model API server and a real kernel, in a network namespace.
#include "proxy/proxier.h"

#include <gtest/gtest.h>

#include "async/epoll_loop.h"
#include "kinds/core_v1.h"
#include "kinds/discovery_v1.h"
#include "kinds/networking_v1.h"
#include "proxy/from_objects.h"
#include "proxy/nft.h"
#include "proxy/packet_network_test.h"
#include "tests/fake/fake_api.h"

namespace tiphys::proxy {
namespace {

const schema::Resource& services() { return *schema::find_resource("", "v1", "services"); }
const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& events() { return *schema::find_resource("", "v1", "events"); }
const schema::Resource& ranges() {
  return *schema::find_resource("networking.k8s.io", "v1", "servicecidrs");
}
const schema::Resource& slices() {
  return *schema::find_resource("discovery.k8s.io", "v1", "endpointslices");
}

ObjectPtr node_object(std::string_view name) {
  Draft draft = core_v1::Node::make();
  core_v1::NodeEdit edit(draft);
  edit.edit_metadata().set_name(name);
  edit.edit_spec().set_pod_cidr("10.42.0.0/24");
  return draft.freeze();
}

ObjectPtr range_object(std::string_view name, std::string_view cidr) {
  Draft draft = networking_v1::ServiceCIDR::make();
  networking_v1::ServiceCIDREdit edit(draft);
  edit.edit_metadata().set_name(name);
  edit.edit_spec().edit_cidrs().append(cidr);
  return draft.freeze();
}

ObjectPtr service_object(std::string_view name, std::string_view ip, int32_t node_port = 0) {
  Draft draft = core_v1::Service::make();
  core_v1::ServiceEdit edit(draft);
  edit.edit_metadata().set_namespace("default");
  edit.edit_metadata().set_name(name);
  edit.edit_spec().set_type(node_port != 0 ? "NodePort" : "ClusterIP");
  edit.edit_spec().set_cluster_ip(ip);
  edit.edit_spec().edit_cluster_ips().append(ip);
  core_v1::ServicePortEdit port = edit.edit_spec().edit_ports().append();
  port.set_protocol("TCP");
  port.set_port(80);
  if (node_port != 0) port.set_node_port(node_port);
  return draft.freeze();
}

ObjectPtr local_balancer(std::string_view name, std::string_view ip, int32_t health_port) {
  Draft draft(*service_object(name, ip));
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(draft).edit_spec();
  spec.set_type("LoadBalancer");
  spec.set_external_traffic_policy("Local");
  spec.set_health_check_node_port(health_port);
  return draft.freeze();
}

ObjectPtr slice_object(std::string_view service, std::vector<std::string> addresses,
                       bool null_port = false) {
  Draft draft = discovery_v1::EndpointSlice::make();
  discovery_v1::EndpointSliceEdit edit(draft);
  edit.edit_metadata().set_namespace("default");
  edit.edit_metadata().set_name(std::string(service) + "-1");
  edit.edit_metadata().edit_labels().set("kubernetes.io/service-name", service);
  edit.set_address_type("IPv4");
  discovery_v1::EndpointPortEdit port = edit.edit_ports().append();
  if (!null_port) {
    port.set_name("");
    port.set_protocol("TCP");
    port.set_port(8080);
  }
  for (const std::string& address : addresses) {
    discovery_v1::EndpointEdit endpoint = edit.edit_endpoints().append();
    endpoint.edit_addresses().append(address);
    endpoint.set_node_name("n1");
  }
  return draft.freeze();
}

TEST(ServiceFacts, LeavesOutWhatTheProxyHasNothingToDoWith) {
  EXPECT_FALSE(service_facts(*service_object("headless", "None")));
  EXPECT_FALSE(service_facts(*service_object("fresh", "")));
  Draft draft(*service_object("other", "10.43.0.9"));
  core_v1::ServiceEdit(draft).edit_metadata().edit_labels().set(
      "service.kubernetes.io/service-proxy-name", "cilium");
  EXPECT_FALSE(service_facts(*draft.freeze()));
  std::optional<ServiceFacts> facts = service_facts(*service_object("web", "10.43.0.5", 30080));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->key, "default/web");
  EXPECT_EQ(facts->ports, (std::vector<ServicePort>{{"", "tcp", 80, 30080}}));
}

TEST(ServiceFacts, HostileNumbersAndAddressesAreLeftOut) {
  Draft draft(*service_object("web", "10.43.0.5", 30080));
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(draft).edit_spec();
  spec.edit_external_ips().append("not an address");
  spec.edit_ports()[0].set_port(70000);
  std::optional<ServiceFacts> facts = service_facts(*draft.freeze());
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->ports.empty());
  EXPECT_TRUE(facts->external_ips.empty());
  EXPECT_TRUE(slice_facts(*slice_object("web", {"10.42.0.9", "x"}, true)).ports.empty());
}

class ProxierTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
    network = std::make_unique<PacketNetwork>(2);
    for (int i : {1, 2}) {
      servers.push_back(
          std::make_unique<EchoServer>(network->pod(i), "pod" + std::to_string(i), 8080, false));
    }
    thread = std::thread([this] { in_namespace(network->node(), [this] { live(); }); });
    EXPECT_TRUE(eventually([this] { return started.load(); }));
  }
  void TearDown() override {
    if (!thread.joinable()) return;
    on_loop([this] { spawn(end()); });
    thread.join();
  }
  // In the node's network, before the proxy is there.
  virtual void prepare() {}
  void live() {
    prepare();
    loop = std::make_unique<EpollLoop>();
    WorkerPool pool(2);
    SeededRandom random(1);
    api = std::make_unique<fake::FakeApi>(*loop);
    api->before = [this](const client::Request& request) { return refused(request); };
    api->put(nodes(), node_object("n1"));
    client::Client client(*api, "kube-proxy");
    Proxier::Options options{.mode = mode, .node_name = "n1", .check_period = check_period};
    options.settings.table = "tiphys-proxy-test";
    options.settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16")};
    Proxier made(*loop, pool, client, random, options);
    proxier = &made;
    made.start();
    started = true;
    loop->run();
  }
  std::optional<ApiStatus> refused(const client::Request& request) const {
    if (!lacks_ranges || request.path.find("/servicecidrs") == std::string::npos) return {};
    return ApiStatus(404, "NotFound", "the server could not find the requested resource");
  }
  Task<void> end() {
    co_await proxier->stop();
    loop->stop();
  }
  void on_loop(std::function<void()> work) {
    std::atomic<bool> done = false;
    loop->post([&] {
      work();
      done = true;
    });
    EXPECT_TRUE(eventually([&] { return done.load(); }));
  }
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 5000; ++i) {
      if (condition()) return true;
      ::poll(nullptr, 0, 2);
    }
    return false;
  }
  ::testing::AssertionResult answers(const std::string& ns, const char* ip, uint16_t port,
                                     const std::string& expected) {
    std::string last;
    for (int i = 0; i < 100; ++i) {
      last = network->fetch(ns, ip, port);
      if (last.substr(0, expected.size()) == expected) return ::testing::AssertionSuccess();
      ::poll(nullptr, 0, 20);
    }
    return ::testing::AssertionFailure() << "answers " << last;
  }
  // Was there an event of this reason?
  bool told(const std::string& reason) {
    return eventually([&] {
      bool found = false;
      on_loop([&] {
        for (const ObjectPtr& event : api->list(events())) {
          found = found || core_v1::Event(*event).reason() == reason;
        }
      });
      return found;
    });
  }
  // Returns the whole text.
  std::string expect_series(std::initializer_list<const char*> all) {
    std::string text;
    on_loop([&] { text = proxier->metrics_text(); });
    for (const char* series : all) {
      EXPECT_NE(text.find(series), std::string::npos) << series << "\n" << text;
    }
    return text;
  }
  int64_t counted(int64_t Proxier::Counters::* which) {
    int64_t count = 0;
    on_loop([&] { count = proxier->counters().*which; });
    return count;
  }
  void put(const schema::Resource& resource, ObjectPtr object) {
    on_loop([&] { api->put(resource, object); });
  }

  std::unique_ptr<PacketNetwork> network;
  std::vector<std::unique_ptr<EchoServer>> servers;
  std::unique_ptr<EpollLoop> loop;
  std::unique_ptr<fake::FakeApi> api;
  Proxier* proxier = nullptr;
  Mode mode = Mode::kNftables;
  Duration check_period = std::chrono::milliseconds(50);
  std::atomic<bool> lacks_ranges = false;  // as API servers before v1.33
  std::atomic<bool> started = false;
  std::thread thread;
};

TEST_F(ProxierTest, ServicesComeChangeAndGo) {
  put(services(), service_object("web", "10.43.0.5", 30080));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "error: refused"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1 10.42.0.1"));
  EXPECT_TRUE(answers(network->client(), "192.168.77.1", 30080, "pod1"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(2)}));
  EXPECT_TRUE(answers(network->pod(1), "10.43.0.5", 80, "pod2"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}, true));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "error: refused"));
  int64_t full = 0;
  on_loop([&] { full = proxier->counters().full; });
  EXPECT_EQ(full, 1) << "changes are applied as differences";
  on_loop([&] { api->remove(services(), "default", "web"); });
  EXPECT_TRUE(eventually([&] {
    bool gone = false;
    on_loop([&] { gone = proxier->synced() && proxier->counters().transactions >= 5; });
    return gone;
  }));
}

// An address of the client's network stands for one that no Service has.
TEST_F(ProxierTest, AddressesOfServiceRangesThatNobodyHasAreClosed) {
  EchoServer server(network->client(), "client", 8080, false);
  EXPECT_TRUE(answers(network->pod(1), "192.168.77.2", 8080, "client"));
  put(ranges(), range_object("more", "192.168.77.2/32"));
  EXPECT_TRUE(answers(network->pod(1), "192.168.77.2", 8080, "error: timeout"));
  EXPECT_TRUE(answers(network->node(), "192.168.77.2", 8080, "error: timeout"));
  put(services(), service_object("web", "192.168.77.2"));
  EXPECT_TRUE(answers(network->pod(1), "192.168.77.2", 80, "error: refused"));
  EXPECT_TRUE(answers(network->pod(1), "192.168.77.2", 8080, "error: refused")) << "another port";
  on_loop([&] { api->remove(ranges(), "", "more"); });
  on_loop([&] { api->remove(services(), "default", "web"); });
  EXPECT_TRUE(answers(network->pod(1), "192.168.77.2", 8080, "client"));
}

class OldServerProxierTest : public ProxierTest {
 protected:
  OldServerProxierTest() { lacks_ranges = true; }
};

TEST_F(OldServerProxierTest, ServesWithoutServiceCIDRsAndTakesThemWhenTheyCome) {
  put(services(), service_object("web", "10.43.0.5"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  EchoServer server(network->client(), "client", 8080, false);
  EXPECT_TRUE(answers(network->pod(1), "192.168.77.2", 8080, "client"));
  put(ranges(), range_object("more", "192.168.77.2/32"));
  lacks_ranges = false;  // it was upgraded
  EXPECT_TRUE(eventually([&] { return counted(&Proxier::Counters::full) == 2; }));
  EXPECT_TRUE(answers(network->pod(1), "192.168.77.2", 8080, "error: timeout"));
}

TEST_F(ProxierTest, ATableRemovedBehindOurBackComesBackWithAnEvent) {
  put(services(), service_object("web", "10.43.0.5"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  in_namespace(network->node(),
               [] { ASSERT_TRUE(nft_remove_table("tiphys-proxy-test", Family::kIpv4)); });
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  EXPECT_TRUE(told("ServiceRulesRepaired"));
}

constexpr const char* kEdits[] = {
    "flush chain ip tiphys-proxy-test services",
    "insert rule ip tiphys-proxy-test spread-1 drop",
    "add chain ip tiphys-proxy-test intruder",
    "delete element ip tiphys-proxy-test service-ips { 10.43.0.5 . tcp . 80 }",
    "flush map ip tiphys-proxy-test endpoints-0",
    "add element ip tiphys-proxy-test hairpin { 1.2.3.4 . 1.2.3.4 }",
    ("delete element ip tiphys-proxy-test endpoints-0 { 10.43.0.5 . tcp . 80 }\n"
     "add element ip tiphys-proxy-test endpoints-0 { 10.43.0.5 . tcp . 80 : 10.42.0.99 . 1 }"),
};

TEST_F(ProxierTest, ATableEditedBehindOurBackIsMadeAnewWithAnEvent) {
  put(services(), service_object("web", "10.43.0.5"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  int64_t repairs = 0;
  for (const char* edit : kEdits) {
    in_namespace(network->node(),
                 [&] { ASSERT_TRUE(os::nft_apply(std::string(edit) + "\n")) << edit; });
    ++repairs;
    EXPECT_TRUE(eventually([&] { return counted(&Proxier::Counters::repairs) == repairs; }))
        << edit;
    EXPECT_TRUE(eventually([&] { return counted(&Proxier::Counters::full) == repairs + 1; }));
    EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1")) << edit;
  }
  EXPECT_TRUE(told("ServiceRulesRepaired"));
}

class NeverCheckingProxierTest : public ProxierTest {
 protected:
  NeverCheckingProxierTest() { check_period = std::chrono::hours(1); }
};

TEST_F(NeverCheckingProxierTest, ATableThatTakesNoChangeIsMadeAnewWithAnEvent) {
  put(services(), service_object("web", "10.43.0.5"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  in_namespace(network->node(),
               [&] { ASSERT_TRUE(os::nft_apply("flush map ip tiphys-proxy-test endpoints-0\n")); });
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(2)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod2"));
  EXPECT_TRUE(told("ServiceRulesRepaired"));
  EXPECT_TRUE(eventually([&] { return counted(&Proxier::Counters::full) == 2; }));
}

TEST_F(ProxierTest, AnEditIsSeenThoughChangesOfOurOwnFollow) {
  put(services(), service_object("web", "10.43.0.5"));
  put(services(), service_object("busy", "10.43.0.6"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  in_namespace(network->node(), [&] {
    ASSERT_TRUE(os::nft_apply(
        "delete element ip tiphys-proxy-test service-ips { 10.43.0.5 . tcp . 80 }\n"));
  });
  bool one = false;
  EXPECT_TRUE(eventually([&] {
    one = !one;
    put(slices(), slice_object("busy", {PacketNetwork::pod_ip(one ? 1 : 2)}));
    return counted(&Proxier::Counters::repairs) == 1;
  }));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
}

TEST_F(ProxierTest, OtherTablesAreOthersBusiness) {
  put(services(), service_object("web", "10.43.0.5", 30080));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  int64_t audits = counted(&Proxier::Counters::audits);
  for (const char* edit : {"add table ip other", "delete table ip other"}) {
    in_namespace(network->node(), [&] { ASSERT_TRUE(os::nft_apply(std::string(edit) + "\n")); });
    ++audits;
    EXPECT_TRUE(eventually([&] { return counted(&Proxier::Counters::audits) == audits; }));
  }
  EXPECT_EQ(counted(&Proxier::Counters::repairs), 0);
  EXPECT_EQ(counted(&Proxier::Counters::full), 1);
}

TEST_F(ProxierTest, TheNodeIsToldOfTheStart) { EXPECT_TRUE(told("Starting")); }

// A load balancer's question, from the LAN.
std::string ask_health(const std::string& ns, uint16_t port) {
  std::string answer;
  in_namespace(ns, [&] {
    auto result = os::run_command({"curl", "-s", "-m", "2", "-w", " %{http_code}",
                                   "http://192.168.77.1:" + std::to_string(port) + "/"});
    if (result) answer = result->out;
  });
  return answer;
}

TEST_F(ProxierTest, HealthCheckPortsTellOfLocalEndpoints) {
  put(services(), local_balancer("web", "10.43.0.5", 32010));
  auto ends = [&](const std::string& end) {
    return eventually([&] { return ask_health(network->client(), 32010).ends_with(end); });
  };
  EXPECT_TRUE(ends(" 503"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1), PacketNetwork::pod_ip(2)}));
  EXPECT_TRUE(ends(" 200"));
  EXPECT_NE(ask_health(network->client(), 32010).find("\"localEndpoints\": 2"), std::string::npos);
  put(services(), local_balancer("other", "10.43.0.6", 32010));
  EXPECT_TRUE(told("FailedToStartServiceHealthcheck"));
  on_loop([&] { api->remove(services(), "default", "web"); });
  EXPECT_TRUE(ends(" 503")) << "the other one gets it";
}

TEST_F(ProxierTest, RefusedEndpointsAndContestedPortsAreToldOf) {
  put(services(), service_object("web", "10.43.0.5", 30080));
  put(slices(), slice_object("web", {"127.0.0.1", "169.254.1.1", PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(told("EndpointAddressRefused"));
  put(services(), service_object("zoo", "10.43.0.6", 30080));
  EXPECT_TRUE(told("PortAlreadyAllocated"));
  EXPECT_TRUE(answers(network->client(), "192.168.77.1", 30080, "pod1"));
}

TEST_F(ProxierTest, MetricsAreUpstreams) {
  put(services(), service_object("web", "10.43.0.5"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  std::string text =
      expect_series({"kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"}",
                     "kubeproxy_sync_full_proxy_rules_duration_seconds_count",
                     "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
                     "kubeproxy_sync_proxy_rules_endpoint_changes_total 1"});
  EXPECT_EQ(text.find("iptables"), std::string::npos) << "of the other mode\n" << text;
}

class IptablesProxierTest : public ProxierTest {
 protected:
  IptablesProxierTest() { mode = Mode::kIptables; }
  bool drops_invalid() {
    std::string rules;
    in_namespace(network->node(), [&rules] {
      auto listed = os::run_command({"iptables-save", "-t", "filter"});
      if (listed) rules = listed->out;
    });
    EXPECT_NE(rules.find("-A KUBE-FORWARD "), std::string::npos) << rules;
    return rules.find("--ctstate INVALID -j DROP") != std::string::npos;
  }
};

TEST_F(IptablesProxierTest, ServicesComeChangeAndAreRepaired) {
  put(services(), service_object("web", "10.43.0.5", 30080));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "error: refused"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1 10.42.0.1"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(2)}));
  EXPECT_TRUE(answers(network->client(), "192.168.77.1", 30080, "pod2"));
  EXPECT_TRUE(drops_invalid());
  in_namespace(network->node(), [] {
    (void)os::run_command({"iptables", "-t", "nat", "-F"});
    (void)os::run_command({"iptables", "-t", "nat", "-X"});
  });
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod2"));
  EXPECT_TRUE(told("ServiceRulesRepaired"));
  expect_series({"kubeproxy_sync_proxy_rules_iptables_total{ip_family=\"IPv4\",table=\"nat\"} 13",
                 "kubeproxy_sync_proxy_rules_iptables_total{ip_family=\"IPv4\",table=\"filter\"} 4",
                 "kubeproxy_sync_proxy_rules_iptables_last{ip_family=\"IPv4\",table=\"nat\"}"});
  in_namespace(network->node(), [] { EXPECT_TRUE(cleanup({}, Mode::kIptables)); });
}

class LiberalProxierTest : public IptablesProxierTest {
 protected:
  void prepare() override {
    EXPECT_TRUE(os::write_file("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal", "1"));
  }
};

TEST_F(LiberalProxierTest, WhereConnectionTrackingIsLiberalInvalidPacketsPass) {
  put(services(), service_object("web", "10.43.0.5"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  EXPECT_FALSE(drops_invalid());
}

class LeftoverProxierTest : public ProxierTest {
 protected:
  void prepare() override {
    EXPECT_TRUE(
        os::nft_apply("add table ip6 tiphys-proxy-test\n"
                      "add chain ip6 tiphys-proxy-test of-a-service-that-is-gone\n"
                      "add table ip tiphys-proxy-test-stand-in\n"));
  }
  bool stands(const std::string& table) {
    std::string rules;
    in_namespace(network->node(), [&] { rules = os::nft_list(table).value_or("?"); });
    return rules.find("of-a-service") != rules.npos || rules.find("stand-in") != rules.npos;
  }
};

TEST_F(LeftoverProxierTest, WhatAnEarlierProcessLeftGoesThoughNoServiceWantsRules) {
  EXPECT_TRUE(eventually([&] { return counted(&Proxier::Counters::full) == 2; }));
  EXPECT_FALSE(stands("ip6 tiphys-proxy-test"));
  EXPECT_FALSE(stands("ip tiphys-proxy-test-stand-in"));
}

TEST_F(ProxierTest, AForeignTableUnderOurNameIsReplaced) {
  in_namespace(network->node(), [] {
    ASSERT_TRUE(
        os::nft_apply("add table ip tiphys-proxy-test\n"
                      "add chain ip tiphys-proxy-test services\n"));
  });
  put(services(), service_object("web", "10.43.0.5"));
  put(slices(), slice_object("web", {PacketNetwork::pod_ip(1)}));
  EXPECT_TRUE(answers(network->node(), "10.43.0.5", 80, "pod1"));
  in_namespace(network->node(), [] {
    Settings settings;
    settings.table = "tiphys-proxy-test";
    EXPECT_TRUE(cleanup(settings, Mode::kNftables));
    EXPECT_TRUE(cleanup(settings, Mode::kNftables));
  });
}

}  // namespace
}  // namespace tiphys::proxy
