// The records of the Kubernetes DNS specification 1.1.0, asked for as messages. Its examples, and
// what CoreDNS' kubernetes plugin does where it is silent.
#include "dns/responder.h"

#include <gtest/gtest.h>

#include "codec/codec.h"
#include "dns/dns_text_test.h"
#include "dns/from_objects.h"
#include "dns/upstream_answer.h"

namespace tiphys::dns {
namespace {

ObjectPtr object(std::string_view json) {
  Result<Draft> draft = codec::decode_object(codec::Format::kJson, json, nullptr, nullptr);
  EXPECT_TRUE(draft) << draft.error().message();
  return draft->freeze();
}

std::string service_json(const std::string& name, const std::string& spec) {
  return R"({"apiVersion":"v1","kind":"Service","metadata":{"name":")" + name +
         R"(","namespace":"default"},"spec":)" + spec + "}";
}

std::string slice_json(const std::string& service, const std::string& endpoints,
                       const std::string& ports, const std::string& type = "IPv4") {
  return R"({"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"x",)"
         R"("namespace":"default","labels":{"kubernetes.io/service-name":")" +
         service + R"("}},"addressType":")" + type + R"(","endpoints":)" + endpoints +
         R"(,"ports":)" + ports + "}";
}

constexpr const char* kSoa = "auth cluster.local. 5 SOA ns.dns.cluster.local.\n";
constexpr const char* kHttp = R"([{"name":"http","port":80,"protocol":"TCP"}])";

class ResponderTest : public testing::Test {
 protected:
  ResponderTest() {
    records_.add_namespace("default");
    responder_.set_ranges({*parse_cidr("10.3.0.0/16"), *parse_cidr("fd00:1::/64")});
    add("kubernetes",
        R"({"clusterIP":"10.3.0.1","ports":[{"name":"https","port":443,"protocol":"TCP"}]})");
    add("kube-dns", R"({"clusterIP":"10.3.0.10"})");
  }

  void add(const std::string& name, const std::string& spec, std::vector<std::string> slices = {}) {
    std::vector<ObjectPtr> objects;
    for (const std::string& slice : slices) objects.push_back(object(slice));
    records_.set(service_records(*object(service_json(name, spec)), objects));
  }
  void add_headless(const std::string& endpoints) {
    add("headless", R"({"clusterIP":"None"})", {slice_json("headless", endpoints, kHttp)});
  }

  std::string ask(std::string_view name, uint16_t type, size_t limit = kMaxMessageBytes,
                  uint16_t id = 0) {
    std::string query = plain_query(name, type, id);
    return ask_message(query, limit);
  }
  std::string ask_message(const std::string& message, size_t limit = kMaxMessageBytes) {
    Query query;
    EXPECT_EQ(read_query(bytes_of(message), query), Verdict::kGood);
    std::vector<uint8_t> room(limit);
    AnswerWriter writer(room, limit, bytes_of(message), query);
    answer_ = responder_.respond(query, writer);
    room.resize(writer.finish(answer_.rcode));
    return message_text(room);
  }

  Records records_{*Name::from_text("cluster.local")};
  Responder responder_{records_};
  Responder::Answer answer_;
};

TEST_F(ResponderTest, TellsTheSchemaVersion) {
  EXPECT_EQ(ask("dns-version.cluster.local", kTypeTxt),
            "NOERROR aa\ndns-version.cluster.local. 28800 TXT \"1.1.0\"\n");
  EXPECT_EQ(ask("dns-version.cluster.local", kTypeA), std::string("NOERROR aa\n") + kSoa);
}

TEST_F(ResponderTest, ServiceWithClusterIp) {
  const std::string name = "kubernetes.default.svc.cluster.local";
  EXPECT_EQ(ask(name, kTypeA), "NOERROR aa\n" + name + ". 5 A 10.3.0.1\n");
  EXPECT_EQ(ask("Kubernetes.DEFAULT.svc.Cluster.Local", kTypeA),
            "NOERROR aa\n" + name + ". 5 A 10.3.0.1\n");
  EXPECT_EQ(ask("_https._tcp." + name, kTypeSrv), "NOERROR aa\n_https._tcp." + name +
                                                      ". 5 SRV 0 100 443 " + name + ".\nmore " +
                                                      name + ". 5 A 10.3.0.1\n");
  EXPECT_EQ(ask("1.0.3.10.in-addr.arpa", kTypePtr),
            "NOERROR aa\n1.0.3.10.in-addr.arpa. 5 PTR " + name + ".\n");
  EXPECT_EQ(ask(name, kTypeAaaa), std::string("NOERROR aa\n") + kSoa);
  EXPECT_EQ(ask("_https._udp." + name, kTypeSrv), std::string("NXDOMAIN aa\n") + kSoa);
  EXPECT_EQ(ask("_tcp." + name, kTypeA), std::string("NOERROR aa\n") + kSoa);
  EXPECT_EQ(ask("_udp." + name, kTypeA), std::string("NXDOMAIN aa\n") + kSoa);
}

TEST_F(ResponderTest, DualStack) {
  add("both", R"({"clusterIP":"10.3.0.7","clusterIPs":["10.3.0.7","fd00:1::7"]})");
  const std::string name = "both.default.svc.cluster.local";
  EXPECT_EQ(ask(name, kTypeA), "NOERROR aa\n" + name + ". 5 A 10.3.0.7\n");
  EXPECT_EQ(ask(name, kTypeAaaa), "NOERROR aa\n" + name + ". 5 AAAA fd00:1::7\n");
  std::string reverse = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa";
  EXPECT_EQ(ask(reverse, kTypePtr), "NOERROR aa\n" + reverse + ". 5 PTR " + name + ".\n");
}

TEST_F(ResponderTest, HeadlessService) {
  const std::string name = "headless.default.svc.cluster.local";
  add_headless(R"([{"addresses":["10.3.0.100"],"hostname":"my-pet","conditions":{"ready":true}},
                   {"addresses":["10.3.0.101"],"conditions":{}},
                   {"addresses":["10.3.0.102"],"conditions":{"ready":false}}])");
  EXPECT_EQ(ask(name, kTypeA),
            "NOERROR aa\n" + name + ". 5 A 10.3.0.100\n" + name + ". 5 A 10.3.0.101\n");
  // Others get another one first.
  EXPECT_EQ(ask(name, kTypeA, 512, 1),
            "NOERROR aa\n" + name + ". 5 A 10.3.0.101\n" + name + ". 5 A 10.3.0.100\n");
  EXPECT_EQ(ask("my-pet." + name, kTypeA), "NOERROR aa\nmy-pet." + name + ". 5 A 10.3.0.100\n");
  EXPECT_EQ(ask("10-3-0-101." + name, kTypeA),
            "NOERROR aa\n10-3-0-101." + name + ". 5 A 10.3.0.101\n");
  EXPECT_EQ(ask("10-3-0-102." + name, kTypeA), std::string("NXDOMAIN aa\n") + kSoa);
  std::string srv = "_http._tcp." + name + ". 5 SRV 0 50 80 ";
  EXPECT_EQ(ask("_http._tcp." + name, kTypeSrv),
            "NOERROR aa\n" + srv + "my-pet." + name + ".\n" + srv + "10-3-0-101." + name +
                ".\nmore my-pet." + name + ". 5 A 10.3.0.100\nmore 10-3-0-101." + name +
                ". 5 A 10.3.0.101\n");
  EXPECT_EQ(ask("100.0.3.10.in-addr.arpa", kTypePtr),
            "NOERROR aa\n100.0.3.10.in-addr.arpa. 5 PTR my-pet." + name + ".\n");
}

TEST_F(ResponderTest, HeadlessWithoutReadyEndpointsIsNoName) {
  add_headless("[]");
  EXPECT_EQ(ask("headless.default.svc.cluster.local", kTypeA), std::string("NXDOMAIN aa\n") + kSoa);
}

TEST_F(ResponderTest, AnEndpointInTwoSlicesIsOne) {
  std::string endpoints = R"([{"addresses":["10.3.0.100"],"hostname":"a"}])";
  std::string slice = slice_json("headless", endpoints, kHttp);
  add("headless", R"({"clusterIP":"None"})", {slice, slice});
  const std::string name = "headless.default.svc.cluster.local";
  EXPECT_EQ(ask(name, kTypeA), "NOERROR aa\n" + name + ". 5 A 10.3.0.100\n");
  EXPECT_EQ(ask("_http._tcp." + name, kTypeSrv), "NOERROR aa\n_http._tcp." + name +
                                                     ". 5 SRV 0 100 80 a." + name + ".\nmore a." +
                                                     name + ". 5 A 10.3.0.100\n");
}

TEST_F(ResponderTest, PodsByAddress) {
  EXPECT_EQ(ask("1-2-3-4.default.pod.cluster.local", kTypeA),
            "NOERROR aa\n1-2-3-4.default.pod.cluster.local. 5 A 1.2.3.4\n");
  EXPECT_EQ(ask("fd00--9.default.pod.cluster.local", kTypeAaaa),
            "NOERROR aa\nfd00--9.default.pod.cluster.local. 5 AAAA fd00::9\n");
  EXPECT_EQ(ask("1-2-3-4.nowhere.pod.cluster.local", kTypeA), std::string("NXDOMAIN aa\n") + kSoa);
  EXPECT_EQ(ask("1-2-3-400.default.pod.cluster.local", kTypeA),
            std::string("NXDOMAIN aa\n") + kSoa);
}

TEST_F(ResponderTest, NamesInBetween) {
  for (const char* name : {"svc.cluster.local", "pod.cluster.local", "default.svc.cluster.local",
                           "default.pod.cluster.local", "cluster.local", "dns.cluster.local"}) {
    EXPECT_EQ(ask(name, kTypeA), std::string("NOERROR aa\n") + kSoa) << name;
  }
  for (const char* name : {"x.cluster.local", "nowhere.svc.cluster.local", "x.svc.cluster.local",
                           "a.b.c.kubernetes.default.svc.cluster.local",
                           "*.default.svc.cluster.local", "x.dns.cluster.local"}) {
    EXPECT_EQ(ask(name, kTypeA), std::string("NXDOMAIN aa\n") + kSoa) << name;
  }
}

TEST_F(ResponderTest, TheZoneItself) {
  EXPECT_EQ(ask("cluster.local", kTypeSoa),
            "NOERROR aa\ncluster.local. 5 SOA ns.dns.cluster.local.\n");
  records_.erase("kube-dns.default");
  auto dns = std::make_unique<ServiceRecords>();
  dns->key = kDnsService;
  dns->addresses = {*parse_ip("10.3.0.10")};
  records_.set(std::move(dns));
  EXPECT_EQ(ask("cluster.local", kTypeNs),
            "NOERROR aa\ncluster.local. 5 NS ns.dns.cluster.local.\n"
            "more ns.dns.cluster.local. 5 A 10.3.0.10\n");
  EXPECT_EQ(ask("ns.dns.cluster.local", kTypeA),
            "NOERROR aa\nns.dns.cluster.local. 5 A 10.3.0.10\n");
}

TEST_F(ResponderTest, ExternalNames) {
  add("out", R"({"type":"ExternalName","externalName":"www.example.com"})");
  add("in", R"({"type":"ExternalName","externalName":"kubernetes.default.svc.cluster.local."})");
  add("lost", R"({"type":"ExternalName","externalName":"nobody.default.svc.cluster.local"})");
  add("address", R"({"type":"ExternalName","externalName":"192.0.2.1"})");
  EXPECT_EQ(ask("out.default.svc.cluster.local", kTypeCname),
            "NOERROR aa\nout.default.svc.cluster.local. 5 CNAME www.example.com.\n");
  EXPECT_EQ(answer_.outcome, Responder::Outcome::kAnswered);
  ask("out.default.svc.cluster.local", kTypeA);
  EXPECT_EQ(answer_.outcome, Responder::Outcome::kAlias);
  EXPECT_EQ(answer_.target.text(), "www.example.com.");
  EXPECT_EQ(ask("in.default.svc.cluster.local", kTypeA),
            "NOERROR aa\nin.default.svc.cluster.local. 5 CNAME "
            "kubernetes.default.svc.cluster.local.\nkubernetes.default.svc.cluster.local. 5 A "
            "10.3.0.1\n");
  EXPECT_EQ(ask("lost.default.svc.cluster.local", kTypeA),
            "NXDOMAIN aa\nlost.default.svc.cluster.local. 5 CNAME "
            "nobody.default.svc.cluster.local.\n" +
                std::string(kSoa));
  EXPECT_EQ(ask("address.default.svc.cluster.local", kTypeA), std::string("NXDOMAIN aa\n") + kSoa);
}

TEST_F(ResponderTest, ExternalNamesThatLeadInACircle) {
  add("a", R"({"type":"ExternalName","externalName":"b.default.svc.cluster.local"})");
  add("b", R"({"type":"ExternalName","externalName":"a.default.svc.cluster.local"})");
  EXPECT_TRUE(ask("a.default.svc.cluster.local", kTypeA).starts_with("SERVFAIL"));
}

TEST_F(ResponderTest, AddressesOfOurRangesStayHere) {
  EXPECT_TRUE(
      ask("9.0.3.10.in-addr.arpa", kTypePtr).starts_with("NXDOMAIN aa\nauth in-addr.arpa."));
  EXPECT_TRUE(ask("3.10.in-addr.arpa", kTypePtr).starts_with("NOERROR aa\nauth in-addr.arpa."));
  for (const char* name : {"10.in-addr.arpa", "8.8.8.8.in-addr.arpa", "www.example.com", ".",
                           "x.0.3.10.in-addr.arpa", "cluster.localx", "xcluster.local"}) {
    ask(name, kTypePtr);
    EXPECT_EQ(answer_.outcome, Responder::Outcome::kForward) << name;
  }
}

TEST_F(ResponderTest, ChangesOfAService) {
  add("web", R"({"clusterIP":"10.3.0.20"})");
  add("web", R"({"clusterIP":"10.3.0.21"})");
  EXPECT_TRUE(ask("20.0.3.10.in-addr.arpa", kTypePtr).starts_with("NXDOMAIN"));
  EXPECT_TRUE(ask("21.0.3.10.in-addr.arpa", kTypePtr).starts_with("NOERROR"));
  records_.erase("web.default");
  EXPECT_TRUE(ask("21.0.3.10.in-addr.arpa", kTypePtr).starts_with("NXDOMAIN"));
  EXPECT_TRUE(ask("web.default.svc.cluster.local", kTypeA).starts_with("NXDOMAIN"));
}

TEST_F(ResponderTest, WhatDoesNotFitIsLeftToTcp) {
  std::string endpoints = "[";
  for (int i = 0; i < 100; ++i) {
    if (i > 0) endpoints += ",";
    endpoints += R"({"addresses":["10.4.0.)" + std::to_string(i) + R"("]})";
  }
  add_headless(endpoints + "]");
  const std::string name = "headless.default.svc.cluster.local";
  std::string cut = ask(name, kTypeA, 512);
  EXPECT_TRUE(cut.starts_with("NOERROR aa tc\n")) << cut;
  EXPECT_GT(std::ranges::count(cut, '\n'), 20);
  std::string whole = ask(name, kTypeA);
  EXPECT_TRUE(whole.starts_with("NOERROR aa\n"));
  EXPECT_EQ(std::ranges::count(whole, '\n'), 101);
  EXPECT_EQ(std::ranges::count(ask("_http._tcp." + name, kTypeSrv), '\n'), 201);
}

TEST_F(ResponderTest, TransfersAndOtherClassesAreRefused) {
  EXPECT_EQ(ask("cluster.local", kTypeAxfr), "REFUSED\n");
  std::string chaos = plain_query("cluster.local", kTypeTxt);
  chaos.back() = 3;
  EXPECT_EQ(ask_message(chaos), "REFUSED\n");
}

TEST(FromObjects, LeavesOutWhatCantBeARecord) {
  ObjectPtr service = object(service_json(
      "web",
      R"({"clusterIP":"10.3.0.5","ports":[{"name":"a","port":0},{"name":"b","port":70000}]})"));
  ObjectPtr slice = object(slice_json(
      "web", R"([{"addresses":["not-an-address","10.0.0.1"]},{"addresses":[]}])", "[{}]"));
  ObjectPtr names = object(slice_json("web", R"([{"addresses":["example.com"]}])", "[]", "FQDN"));
  std::unique_ptr<ServiceRecords> records = service_records(*service, {slice, names});
  EXPECT_TRUE(records->ports.empty());
  ASSERT_EQ(records->endpoints.size(), 1u);
  EXPECT_EQ(records->endpoints[0].host, "10-0-0-1");
  EXPECT_TRUE(records->endpoint_ports.empty());
}

}  // namespace
}  // namespace tiphys::dns
