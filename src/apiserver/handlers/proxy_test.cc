#include "apiserver/api_server_fixture.h"
#include "apiserver/handlers/connect.h"
#include "apiserver/handlers/proxy_headers.h"
#include "apiserver/handlers/proxy_target.h"
#include "apiserver/response/gzip.h"

namespace tiphys::apiserver {
namespace {

using testing::HasSubstr;

constexpr char kPods[] = "/api/v1/namespaces/default/pods";
constexpr char kServices[] = "/api/v1/namespaces/default/services";
constexpr char kSlices[] = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

TEST(ProxyHeaders, nothing_that_proves_or_tells_identity_is_forwarded) {
  net::Headers headers;
  headers.add("authorization", "Bearer secret");
  headers.add("cookie", "session=of-the-backend");
  headers.add("impersonate-user", "root");
  headers.add("impersonate-extra-a", "b");
  headers.add("x-remote-user", "root");
  headers.add("x-remote-group", "system:masters");
  headers.add("connection", "keep-alive, X-Hop");
  headers.add("x-hop", "1");
  headers.add("te", "trailers");
  headers.add("content-length", "5");
  headers.add("sec-websocket-protocol", "base64url.bearer.authorization.k8s.io.c2VjcmV0, v4");
  headers.add("x-kept", "1");
  headers.add("x-forwarded-for", "1.2.3.4");
  net::Headers out = forwarded_request_headers(headers, "10.0.0.1:4242", false);
  EXPECT_EQ(out.entries().size(), 4u);
  EXPECT_EQ(out.get("cookie"), "session=of-the-backend");
  EXPECT_EQ(out.get("x-kept"), "1");
  EXPECT_EQ(out.get("sec-websocket-protocol"), "v4");
  EXPECT_EQ(out.get("x-forwarded-for"), "1.2.3.4, 10.0.0.1");
}

TEST(ProxyHeaders, an_upgrade_keeps_its_two_headers) {
  net::Headers headers;
  headers.add("connection", "Upgrade");
  headers.add("upgrade", "SPDY/3.1");
  ASSERT_TRUE(is_upgrade_request(headers));
  net::Headers out = forwarded_request_headers(headers, "[::1]:1", true);
  EXPECT_EQ(out.get("connection"), "Upgrade");
  EXPECT_EQ(out.get("upgrade"), "SPDY/3.1");
  EXPECT_EQ(out.get("x-forwarded-for"), "::1");
}

TEST(ProxyTarget, names_with_scheme_and_port) {
  EXPECT_EQ(split_scheme_name_port("a")->name, "a");
  EXPECT_EQ(split_scheme_name_port("a:80")->port, "80");
  EXPECT_EQ(split_scheme_name_port("https:a:web")->scheme, "https");
  EXPECT_EQ(split_scheme_name_port(":a:")->name, "a");
  EXPECT_FALSE(split_scheme_name_port("ftp:a:80"));
  EXPECT_FALSE(split_scheme_name_port("a:b:c:d"));
  EXPECT_FALSE(split_scheme_name_port(":80"));
}

TEST(ProxyTarget, addresses_of_the_machine_itself_are_refused) {
  for (const char* bad :
       {"127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1", "fe80::1", "ff02::1",
        "::", "::ffff:127.0.0.1", "localhost", "", "255.255.255.255"}) {
    EXPECT_FALSE(is_proxyable_address(bad)) << bad;
  }
  for (const char* good : {"10.0.0.5", "192.0.2.1", "fd00::1", "::ffff:10.0.0.5"}) {
    EXPECT_TRUE(is_proxyable_address(good)) << good;
  }
}

class FakeStream : public net::ByteStream {
 public:
  Task<Result<std::string>> read(size_t, StopToken) override { co_return std::string(); }
  Task<Result<void>> write(std::string, StopToken) override { co_return Result<void>(); }
  void close() override {}
};

class ProxyTest : public ApiServerTest {
 protected:
  ProxyTest() {
    server_.set_proxy_connector(
        [this](ProxyRequest request, StopToken) { return answer(std::move(request)); });
  }
  Task<Result<ProxyAnswer>> answer(ProxyRequest request) {
    ++sent_;
    last_ = std::move(request);
    if (failure_) co_return *failure_;
    ProxyAnswer made;
    made.response.status = status_;
    made.response.headers = headers_;
    made.response.body = std::make_shared<const std::string>(body_);
    if (status_ == 101) made.stream = std::make_unique<FakeStream>();
    co_return made;
  }
  Reply request(std::string method, std::string target,
                std::vector<net::Headers::Entry> more = {}) {
    net::Request request;
    request.method = std::move(method);
    size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.authority = "api:6443";
    request.remote_address = "10.9.9.9:1";
    for (const auto& entry : more) request.headers.add(entry.name, entry.value);
    net::Response response = loop_.run(server_.handle(std::move(request)));
    Reply reply;
    reply.status = response.status;
    if (response.body) reply.body = *response.body;
    reply.headers = response.headers;
    upgraded_ = response.upgrade != nullptr;
    return reply;
  }
  void make_pod(std::string address) {
    Reply made = ask("POST", kPods,
                     R"({"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[)"
                     R"({"name":"c","image":"i","ports":[{"containerPort":8080}]}]}})");
    ASSERT_EQ(made.status, 201) << made.body;
    set_pod_address(std::move(address));
  }
  void set_pod_address(std::string address) {
    Reply set =
        ask("PATCH", std::string(kPods) + "/p/status",
            R"({"status":{"podIP":")" + address + R"(","podIPs":[{"ip":")" + address + R"("}]}})",
            "application/merge-patch+json");
    ASSERT_EQ(set.status, 200) << set.body;
  }
  void make_node(std::string address) {
    Reply made = ask("POST", "/api/v1/nodes",
                     R"({"metadata":{"name":"n"},"status":{"addresses":[{"type":"InternalIP",)"
                     R"("address":")" +
                         address + R"("}],"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}}})");
    ASSERT_EQ(made.status, 201) << made.body;
  }

  ProxyRequest last_;
  int sent_ = 0;
  int status_ = 200;
  net::Headers headers_;
  std::string body_ = "hello";
  std::optional<ApiStatus> failure_;
  bool upgraded_ = false;
};

TEST_F(ProxyTest, a_pod_is_reached_on_its_first_port) {
  make_pod("10.1.0.5");
  Reply reply = request("PUT", std::string(kPods) + "/p/proxy/a/b/?q=1", {{"x-a", "b"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(last_.target.host, "10.1.0.5");
  EXPECT_EQ(last_.target.port, 8080);
  EXPECT_FALSE(last_.target.kubelet);
  EXPECT_EQ(last_.request.method, "PUT");
  EXPECT_EQ(last_.request.path, "/a/b/");
  EXPECT_EQ(last_.request.query, "q=1");
  EXPECT_EQ(last_.request.headers.get("x-a"), "b");
  EXPECT_EQ(last_.request.headers.get("x-forwarded-uri"), std::string(kPods) + "/p/proxy/a/b/");
  request("GET", std::string(kPods) + "/https:p:444/proxy/");
  EXPECT_TRUE(last_.target.tls);
  EXPECT_EQ(last_.target.port, 444);
}

TEST_F(ProxyTest, every_method_passes_and_the_root_gets_its_slash) {
  make_pod("10.1.0.5");
  std::string path = std::string(kPods) + "/p/proxy";
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    EXPECT_EQ(request(method, path + "/x").status, 200) << method;
    EXPECT_EQ(last_.request.method, method);
  }
  Reply moved = request("GET", path + "?a=b");
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.headers.get("location"), path + "/?a=b");
  EXPECT_EQ(request("POST", path).status, 200);
  EXPECT_EQ(last_.request.path, "/");
  EXPECT_EQ(request("BREW", path + "/x").status, 405);
}

TEST_F(ProxyTest, encoded_paths_are_resolved_below_the_root) {
  make_pod("10.1.0.5");
  request("GET", std::string(kPods) + "/p/proxy/a/..%2f..%2f../etc/passwd");
  EXPECT_EQ(last_.request.path, "/etc/passwd");
}

TEST_F(ProxyTest, links_and_redirects_are_rewritten_and_not_followed) {
  make_pod("10.1.0.5");
  status_ = 302;
  headers_.set("location", "http://10.1.0.5:8080/next");
  Reply moved = request("GET", std::string(kPods) + "/p/proxy/x");
  EXPECT_EQ(moved.status, 302);
  EXPECT_EQ(moved.headers.get("location"), std::string(kPods) + "/p/proxy/next");
  EXPECT_EQ(sent_, 1);
  status_ = 200;
  headers_ = net::Headers();
  headers_.set("content-type", "text/html; charset=utf-8");
  body_ = "<a href='/y'>";
  EXPECT_EQ(request("GET", std::string(kPods) + "/p/proxy/x").body,
            "<a href=\"" + std::string(kPods) + "/p/proxy/y\">");
}

TEST_F(ProxyTest, packed_pages_are_rewritten_and_broken_ones_pass) {
  make_pod("10.1.0.5");
  headers_.set("content-type", "text/html");
  headers_.set("content-encoding", "gzip");
  body_ = gzip("<a href='/y'>");
  Reply reply = request("GET", std::string(kPods) + "/p/proxy/x");
  EXPECT_EQ(gunzip(reply.body, 1000), "<a href=\"" + std::string(kPods) + "/p/proxy/y\">");
  for (const std::string& broken :
       {std::string("no gzip"), gzip("x").substr(0, 12), std::string()}) {
    body_ = broken;
    EXPECT_EQ(request("GET", std::string(kPods) + "/p/proxy/x").body, broken);
  }
  EXPECT_EQ(gunzip(gzip(std::string(1001, 'x')), 1000), std::nullopt);
}

TEST_F(ProxyTest, failures_to_connect_are_503) {
  make_pod("10.1.0.5");
  failure_ = ApiStatus::service_unavailable("dial tcp 10.1.0.5:8080: connect: connection refused");
  Reply reply = request("GET", std::string(kPods) + "/p/proxy/x");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(at(reply.body, {"message"}),
            "error trying to reach service: dial tcp 10.1.0.5:8080: connect: connection refused");
  make_node("10.2.0.1");
  Reply exec = request("POST", std::string(kPods) + "/p/exec",
                       {{"connection", "Upgrade"}, {"upgrade", "SPDY/3.1"}});
  EXPECT_EQ(exec.status, 500);
  EXPECT_THAT(at(exec.body, {"message"}), HasSubstr("error dialing backend: dial tcp"));
  Reply log = request("GET", std::string(kPods) + "/p/log?tailLines=1");
  EXPECT_EQ(log.status, 500);
  EXPECT_THAT(
      at(log.body, {"message"}),
      HasSubstr("Get \"https://10.2.0.1:10250/containerLogs/default/p/c?tailLines=1\": dial"));
}

TEST_F(ProxyTest, a_service_is_reached_through_a_ready_endpoint_of_a_pod) {
  make_pod("10.1.0.5");
  ask("POST", kServices,
      R"({"metadata":{"name":"s"},"spec":{"ports":[{"name":"web","port":80}]}})");
  std::string path = std::string(kServices) + "/s:web/proxy/";
  EXPECT_EQ(request("GET", std::string(kServices) + "/none/proxy/").status, 404);
  EXPECT_EQ(request("GET", path).status, 404);
  auto slice = [](std::string ready, std::string address) {
    return R"({"metadata":{"name":"s-1","labels":{"kubernetes.io/service-name":"s"}},)"
           R"("addressType":"IPv4","ports":[{"name":"web","port":8080}],"endpoints":[{)"
           R"("addresses":[")" +
           address + R"("],"conditions":{"ready":)" + ready +
           R"(},"targetRef":{"kind":"Pod","namespace":"default","name":"p"}}]})";
  };
  std::string object = std::string(kSlices) + "/s-1";
  ASSERT_EQ(ask("POST", kSlices, slice("false", "10.1.0.5")).status, 201);
  Reply none = request("GET", path);
  EXPECT_EQ(none.status, 503);
  EXPECT_EQ(at(none.body, {"message"}), "no endpoints available for service \"s:web\"");
  ASSERT_EQ(ask("PUT", object, slice("true", "10.1.0.5")).status, 200);
  EXPECT_EQ(request("GET", path).status, 200);
  EXPECT_EQ(last_.target.port, 8080);
  EXPECT_EQ(request("GET", std::string(kServices) + "/s:80/proxy/").status, 200);
  EXPECT_EQ(request("GET", std::string(kServices) + "/s:81/proxy/").status, 503);
  // An address that no pod of the namespace has: whoever wrote the slice doesn't decide.
  ASSERT_EQ(ask("PUT", object, slice("true", "10.1.0.6")).status, 200);
  EXPECT_EQ(request("GET", path).status, 503);
  // Nor one of which nobody says whose it is, a pod's though it be.
  std::string of_nobody = slice("true", "10.1.0.5");
  of_nobody.erase(of_nobody.find(R"(,"targetRef")"));
  ASSERT_EQ(ask("PUT", object, of_nobody + "}]}").status, 200);
  EXPECT_EQ(request("GET", path).status, 503);
}

TEST_F(ProxyTest, cve_2020_8562_the_address_checked_is_the_address_dialled) {
  make_pod("10.1.0.5");
  set_pod_address("127.0.0.1");
  Reply reply = request("GET", std::string(kPods) + "/p:6443/proxy/");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(at(reply.body, {"message"}), "address not allowed");
  set_pod_address("169.254.169.254");
  EXPECT_EQ(request("GET", std::string(kPods) + "/p/proxy/").status, 400);
  EXPECT_EQ(sent_, 0);
  // What is dialled is the literal address that was checked: names never get that far.
  set_pod_address("10.1.0.7");
  request("GET", std::string(kPods) + "/p/proxy/");
  EXPECT_EQ(last_.target.host, "10.1.0.7");
}

TEST_F(ProxyTest, cve_2022_3294_a_patched_node_address_is_checked_again) {
  make_node("10.2.0.1");
  EXPECT_EQ(request("GET", "/api/v1/nodes/n/proxy/healthz").status, 200);
  EXPECT_TRUE(last_.target.kubelet);
  EXPECT_EQ(last_.request.path, "/healthz");
  ask("PATCH", "/api/v1/nodes/n/status",
      R"({"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}]}})",
      "application/merge-patch+json");
  EXPECT_EQ(request("GET", "/api/v1/nodes/n/proxy/healthz").status, 400);
  EXPECT_EQ(request("GET", "/api/v1/nodes/n:9090/proxy/healthz").status, 400);
  EXPECT_EQ(sent_, 1);
}

TEST_F(ProxyTest, cve_2018_1002105_a_failed_upgrade_leaves_no_tunnel) {
  make_node("10.2.0.1");
  make_pod("10.1.0.5");
  status_ = 403;
  Reply refused = request("POST", std::string(kPods) + "/p/exec?command=sh",
                          {{"connection", "Upgrade"}, {"upgrade", "SPDY/3.1"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_FALSE(upgraded_);
  status_ = 101;
  headers_.set("upgrade", "SPDY/3.1");
  Reply switched = request("POST", std::string(kPods) + "/p/exec?command=sh&stdin=true",
                           {{"connection", "Upgrade"}, {"upgrade", "SPDY/3.1"}});
  EXPECT_EQ(switched.status, 101);
  EXPECT_TRUE(upgraded_);
  EXPECT_EQ(last_.request.path, "/exec/default/p/c");
  EXPECT_EQ(last_.request.query, "command=sh&input=1");
}

TEST_F(ProxyTest, cve_2020_8559_a_redirect_to_an_upgrade_is_not_followed) {
  make_node("10.2.0.1");
  make_pod("10.1.0.5");
  status_ = 302;
  headers_.set("location", "https://10.2.0.9:10250/exec/kube-system/victim/c");
  Reply reply = request("POST", std::string(kPods) + "/p/exec?command=sh",
                        {{"connection", "Upgrade"}, {"upgrade", "SPDY/3.1"}});
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(at(reply.body, {"message"}), "invalid upgrade response: status code 302");
  EXPECT_FALSE(reply.headers.has("location"));
  EXPECT_EQ(sent_, 1);
}

TEST_F(ProxyTest, streams_are_checked_before_a_node_is_asked) {
  Reply made = ask("POST", kPods,
                   R"({"metadata":{"name":"q"},"spec":{"containers":[{"name":"a","image":"i"},)"
                   R"({"name":"b","image":"i"}]}})");
  ASSERT_EQ(made.status, 201);
  std::string path = std::string(kPods) + "/q";
  auto message = [&](std::string target) {
    Reply reply = request("POST", target);
    EXPECT_EQ(reply.status, 400) << reply.body;
    return at(reply.body, {"message"});
  };
  EXPECT_EQ(message(path + "/exec"),
            "a container name must be specified for pod q, choose one of: [a b]");
  EXPECT_EQ(message(path + "/attach?container=x"), "container x is not valid for pod q");
  EXPECT_EQ(message(path + "/exec?container=a"), "pod q does not have a host assigned");
  EXPECT_EQ(message(path + "/portforward"), "pod q does not have a host assigned");
  EXPECT_EQ(request("POST", std::string(kPods) + "/none/exec").status, 404);
  make_node("10.2.0.1");
  make_pod("10.1.0.5");
  EXPECT_EQ(message(std::string(kPods) + "/p/exec"), "Upgrade request required");
  EXPECT_EQ(sent_, 0);
}

// Collects what is written; reads give nothing until it is closed.
class RecordingStream : public net::ByteStream {
 public:
  RecordingStream(Loop& loop, std::string& written) : closed_(loop), written_(written) {}
  Task<Result<std::string>> read(size_t, StopToken stop) override {
    (void)co_await closed_.wait(std::move(stop));
    co_return std::string();
  }
  Task<Result<void>> write(std::string bytes, StopToken) override {
    written_ += bytes;
    co_return Result<void>();
  }
  void close() override { closed_.set(); }

 private:
  Event closed_;
  std::string& written_;
};

TEST_F(ProxyTest, logs_come_over_a_websocket_too) {
  make_node("10.2.0.1");
  make_pod("10.1.0.5");
  net::Request asked;
  asked.method = "GET";
  asked.path = std::string(kPods) + "/p/log";
  asked.headers.add("connection", "Upgrade");
  asked.headers.add("upgrade", "websocket");
  asked.headers.add("sec-websocket-version", "13");
  asked.headers.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  net::Request bad = asked;
  bad.headers.set("sec-websocket-protocol", "chat");
  EXPECT_EQ(loop_.run(server_.handle(std::move(bad))).status, 400);
  net::Response response = loop_.run(server_.handle(std::move(asked)));
  ASSERT_EQ(response.status, 101);
  // The example of RFC 6455.
  EXPECT_EQ(response.headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  std::string written;
  loop_.run(response.upgrade(std::make_unique<RecordingStream>(loop_, written)));
  EXPECT_EQ(written, std::string("\x82\x00\x82\x05hello\x88\x02\x03\xe8", 13));
}

TEST(StreamsBody, proxies_but_no_upgrades) {
  net::Headers upgrade;
  upgrade.set("connection", "Upgrade");
  const std::string pod = "/api/v1/namespaces/default/pods/p";
  EXPECT_TRUE(streams_body(pod + "/proxy", {}));
  EXPECT_TRUE(streams_body(pod + "/proxy/a/b", {}));
  EXPECT_TRUE(streams_body("/api/v1/nodes/n/proxy/metrics", {}));
  EXPECT_FALSE(streams_body(pod + "/proxy", upgrade));
  EXPECT_FALSE(streams_body(pod + "/exec", {}));
  EXPECT_FALSE(streams_body("/api/v1/namespaces/default/configmaps/proxy", {}));
  EXPECT_FALSE(streams_body("/%zz/proxy", {}));
}

class NoBody : public net::BodyStream {
 public:
  Task<Result<net::Bytes>> next(StopToken) override { co_return net::Bytes(); }
};

TEST_F(ProxyTest, a_body_is_passed_on_as_it_comes) {
  make_pod("10.1.0.5");
  net::Request request;
  request.method = "POST";
  request.path = std::string(kPods) + "/p/proxy/";
  request.headers.set("content-length", "5000000");
  request.body_stream = std::make_shared<NoBody>();
  net::BodyStream* body = request.body_stream.get();
  EXPECT_EQ(loop_.run(server_.handle(std::move(request))).status, 200);
  EXPECT_EQ(last_.request.body_stream.get(), body);
  EXPECT_EQ(last_.request.headers.get("content-length"), "5000000");
  last_ = {};
}

TEST_F(ProxyTest, log_options_are_checked) {
  make_pod("10.1.0.5");
  Reply reply = ask("GET", std::string(kPods) + "/p/log?tailLines=-1&sinceSeconds=0&limitBytes=0");
  EXPECT_EQ(reply.status, 422);
  EXPECT_THAT(reply.body, HasSubstr("tailLines"));
  EXPECT_THAT(reply.body, HasSubstr("limitBytes"));
  EXPECT_THAT(reply.body, HasSubstr("sinceSeconds"));
  EXPECT_EQ(ask("GET", std::string(kPods) + "/p/log?container=x").status, 400);
}

}  // namespace
}  // namespace tiphys::apiserver
