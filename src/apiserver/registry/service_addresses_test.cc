// Cluster IPs, their IPAddress objects and ServiceCIDRs over a whole API server.
#include <set>

#include "apiserver/api_server_fixture.h"
#include "async/gate.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kServices[] = "/api/v1/namespaces/default/services";
constexpr char kAddresses[] = "/apis/networking.k8s.io/v1/ipaddresses";
constexpr char kRanges[] = "/apis/networking.k8s.io/v1/servicecidrs";

class ServiceAddressesTest : public ApiServerTest {
 protected:
  Reply create(const std::string& name, const std::string& spec = "") {
    return ask("POST", kServices,
               "{kind: Service, apiVersion: v1, metadata: {name: " + name +
                   "}, spec: {ports: [{port: 1}]" + (spec.empty() ? "" : ", " + spec) + "}}",
               "application/yaml");
  }
  std::string address_of(const std::string& service) {
    Reply reply = ask("GET", std::string(kServices) + "/" + service);
    return at(reply.body, {"spec", "clusterIP"});
  }
  bool there(const std::string& address) {
    return ask("GET", std::string(kAddresses) + "/" + address).status == 200;
  }
  Reply patch(const std::string& path, const std::string& body) {
    return ask("PATCH", path, body, "application/merge-patch+json");
  }
};

TEST_F(ServiceAddressesTest, ComeAndGoWithTheirService) {
  EXPECT_TRUE(there("10.43.0.1"));
  ASSERT_EQ(create("a").status, 201);
  std::string address = address_of("a");
  Reply got = ask("GET", std::string(kAddresses) + "/" + address);
  EXPECT_EQ(at(got.body, {"spec", "parentRef"}),
            R"({"name":"a","namespace":"default","resource":"services"})");
  EXPECT_EQ(at(got.body, {"metadata", "labels"}),
            R"({"ipaddress.kubernetes.io/ip-family":"IPv4",)"
            R"("ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"})");
  EXPECT_THAT(
      create("b", "clusterIP: " + address).body,
      HasSubstr("spec.clusterIPs: Invalid value: [\\\"" + address +
                "\\\"]: failed to allocate IP " + address + ": provided IP is already allocated"));
  EXPECT_EQ(patch(std::string(kServices) + "/a",
                  R"({"spec":{"type":"ExternalName","externalName":"x.y","clusterIP":"",)"
                  R"("clusterIPs":null}})")
                .status,
            200);
  EXPECT_FALSE(there(address));
  ASSERT_EQ(create("b", "clusterIP: " + address).status, 201);
  EXPECT_TRUE(there(address));
  EXPECT_EQ(ask("DELETE", std::string(kServices) + "/b").status, 200);
  EXPECT_FALSE(there(address));
}

TEST_F(ServiceAddressesTest, AreRepairedBothWays) {
  ASSERT_EQ(create("a").status, 201);
  std::string address = address_of("a");
  EXPECT_EQ(ask("DELETE", std::string(kAddresses) + "/" + address).status, 200);
  loop_.run_for(std::chrono::seconds(2));
  EXPECT_TRUE(there(address));
  // One that nobody has: taken until it is old enough to be a leak.
  Reply leaked = ask("POST", kAddresses,
                     R"({"metadata":{"name":"10.43.7.7","labels":{)"
                     R"("ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"}},)"
                     R"("spec":{"parentRef":{"resource":"services","namespace":"x","name":"y"}}})");
  ASSERT_EQ(leaked.status, 201) << leaked.body;
  EXPECT_EQ(create("b", "clusterIP: 10.43.7.7").status, 422);
  loop_.run_for(std::chrono::seconds(30));
  EXPECT_TRUE(there("10.43.7.7"));
  loop_.run_for(std::chrono::minutes(4));
  EXPECT_FALSE(there("10.43.7.7"));
  EXPECT_EQ(create("b", "clusterIP: 10.43.7.7").status, 201);
}

TEST_F(ServiceAddressesTest, ComeFromEveryReadyRange) {
  Reply own = ask("GET", std::string(kRanges) + "/kubernetes");
  EXPECT_EQ(at(own.body, {"spec", "cidrs"}), R"(["10.43.0.0/16"])");
  EXPECT_THAT(own.body, HasSubstr("Kubernetes default Service CIDR is ready"));
  EXPECT_THAT(create("a", "clusterIP: 10.99.0.5").body,
              HasSubstr("the provided network does not match the current range"));
  EXPECT_EQ(
      ask("POST", kRanges, R"({"metadata":{"name":"more"},"spec":{"cidrs":["10.99.0.0/24"]}})")
          .status,
      201);
  EXPECT_EQ(create("a", "clusterIP: 10.99.0.5").status, 201);
  EXPECT_TRUE(there("10.99.0.5"));
  EXPECT_EQ(ask("DELETE", std::string(kRanges) + "/more").status, 200);
  EXPECT_EQ(create("b", "clusterIP: 10.99.0.6").status, 422);
}

// A server that can be opened again, with other ranges, on what its store holds.
class Reopened {
 public:
  ~Reopened() {
    close();
    loop_.run(store_->stop());
  }
  void open(std::string ranges) {
    close();
    ApiServerOptions options;
    options.service_cidr = std::move(ranges);
    server_ = std::make_unique<ApiServer>(loop_, pool_, *store_, random_, options);
    server_->set_authenticator(std::make_unique<AlwaysAdmin>());
    Result<void> started = loop_.run(server_->start());
    ASSERT_TRUE(started) << started.error().message();
  }
  int write(std::string method, std::string path, std::string body) {
    net::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = std::move(body);
    bool patch = request.method == "PATCH";
    request.headers.set("content-type",
                        patch ? "application/merge-patch+json" : "application/json");
    return loop_.run(server_->handle(std::move(request))).status;
  }
  core_v1::ServiceSpec spec(std::string_view name) {
    seen_ = server_->lookup().get("", "services", "default", name);
    return core_v1::Service(*seen_).spec();
  }
  std::string ranges() {
    std::string text;
    seen_ = server_->lookup().get("networking.k8s.io", "servicecidrs", "", "kubernetes");
    for (std::string_view cidr : networking_v1::ServiceCIDR(*seen_).spec().cidrs()) {
      text += std::string(cidr) + " ";
    }
    return text;
  }

 private:
  void close() {
    if (server_) loop_.run(server_->stop());
    server_.reset();
  }
  SimLoop loop_;
  WorkerPool pool_{1};
  SeededRandom random_{5};
  std::unique_ptr<storage::Store> store_ = storage::make_memory_store(loop_);
  std::unique_ptr<ApiServer> server_;
  ObjectPtr seen_;
};

TEST(ServiceAddresses, OfOneFamilyStaySoUntilTheirPolicyChanges) {
  constexpr char kOne[] = "/api/v1/namespaces/default/services/a";
  Reopened server;
  server.open("10.43.0.0/16");
  EXPECT_EQ(server.write("POST", kServices,
                         R"({"metadata":{"name":"a"},"spec":{"ipFamilyPolicy":"PreferDualStack",)"
                         R"("ports":[{"port":1}]}})"),
            201);
  EXPECT_EQ(server.spec("a").cluster_ips().size(), 1u);
  server.open("10.43.0.0/16,fd00:43::/108");
  EXPECT_EQ(server.ranges(), "10.43.0.0/16 fd00:43::/108 ");
  EXPECT_EQ(server.write("PATCH", kOne, R"({"metadata":{"labels":{"x":"y"}}})"), 200);
  EXPECT_EQ(server.spec("a").cluster_ips().size(), 1u) << "the cluster's change is none of it";
  EXPECT_EQ(server.write("PATCH", kOne, R"({"spec":{"ipFamilyPolicy":"RequireDualStack"}})"), 200);
  EXPECT_EQ(server.spec("a").cluster_ips().size(), 2u);
  // And back: what is there stays, and can be given up.
  server.open("10.43.0.0/16");
  EXPECT_EQ(server.ranges(), "10.43.0.0/16 fd00:43::/108 ") << "what is other is left alone";
  EXPECT_EQ(server.spec("a").cluster_ips().size(), 2u);
  EXPECT_EQ(server.write("PATCH", kOne, R"({"metadata":{"labels":{"x":"z"}}})"), 422)
      << "the cluster is not configured for dual-stack services";
  EXPECT_EQ(server.write("PATCH", kOne, R"({"spec":{"ipFamilyPolicy":"SingleStack"}})"), 200);
  EXPECT_EQ(server.spec("a").cluster_ips().size(), 1u);
}

Task<void> post_service(ApiServer& server, std::string name, int& made) {
  net::Request request;
  request.method = "POST";
  request.path = kServices;
  request.body =
      R"({"metadata":{"name":")" + name + R"("},"spec":{"type":"NodePort","ports":[{"port":1}]}})";
  request.headers.set("content-type", "application/json");
  net::Response response = co_await server.handle(std::move(request));
  made += response.status == 201 ? 1 : 0;
}

TEST(ServiceAddresses, NeverLeakNorDoubleUnderConcurrency) {
  SimLoop loop;
  auto store = storage::make_memory_store(loop);
  WorkerPool pool(1);
  SeededRandom random(3);
  ApiServerOptions options;
  options.service_cidr = "10.43.0.0/27";  // 30 addresses, one of them taken
  options.node_port_first = 30000;
  options.node_port_last = 30024;  // 25 ports
  ApiServer server(loop, pool, *store, random, options);
  server.set_authenticator(std::make_unique<AlwaysAdmin>());
  ASSERT_TRUE(loop.run(server.start()));
  Gate gate(loop);
  int made = 0;
  for (int i = 0; i < 60; ++i) {
    // Half of the names occur twice: their second services fail after they were given an address.
    gate.spawn(post_service(server, "s" + std::to_string(i % 40), made));
  }
  loop.run(gate.close());
  EXPECT_EQ(made, 25);
  std::set<std::string> addresses;
  std::set<int> ports;
  auto services = server.lookup().list("", "services", "");
  for (const ObjectPtr& object : services) {
    core_v1::Service service(*object);
    addresses.emplace(service.spec().cluster_ip());
    if (service.spec().ports()[0].node_port()) ports.insert(service.spec().ports()[0].node_port());
  }
  EXPECT_EQ(addresses.size(), services.size());
  EXPECT_EQ(ports.size(), 25u);
  std::set<std::string> held;
  for (const ObjectPtr& object : server.lookup().list("networking.k8s.io", "ipaddresses", "")) {
    held.emplace(metadata(*object).name());
  }
  EXPECT_EQ(held, addresses);
  loop.run(server.stop());
  loop.run(store->stop());
}

}  // namespace
}  // namespace tiphys::apiserver
