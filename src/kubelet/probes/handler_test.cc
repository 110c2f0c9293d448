#include "kubelet/probes/handler.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"
#include "kubelet/probes/grpc_health.h"
#include "kubelet/runtime/cri.h"
#include "net/grpc_wire.h"
#include "net/test_world.h"

namespace tiphys::kubelet {
namespace {

net::Response redirect(const std::string& location) {
  net::Response out;
  out.status = 302;
  out.headers.add("location", location);
  out.body = net::text("moved");
  return out;
}

net::Response health_answer(EpollLoop& loop, const net::Request& request) {
  net::Response out;
  out.headers.add("content-type", "application/grpc");
  if (request.body.ends_with("none")) {
    out.headers.add("grpc-status", "12");
    out.headers.add("grpc-message", "unknown service");
    return out;
  }
  auto channel = std::make_shared<Channel<std::string>>(loop, 4);
  auto body = std::make_unique<net::ChannelBody>(channel);
  body->fields.add("grpc-status", "0");
  (void)channel->try_push(
      net::frame_grpc(request.body.ends_with("sick") ? "\x08\x02" : "\x08\x01"));
  channel->close();
  out.stream = std::move(body);
  return out;
}

Task<net::Response> answer(EpollLoop& loop, net::Request request) {
  if (request.path == "/grpc.health.v1.Health/Check") co_return health_answer(loop, request);
  if (request.path == "/there") co_return redirect("/ok");
  if (request.path == "/away") co_return redirect("http://elsewhere.invalid/");
  if (request.path == "/loop") co_return redirect("loop");
  if (request.path == "/slow") (void)co_await sleep_for(loop, net::kTestLimit, request.gone);
  net::Response out;
  bool agent = request.headers.get("user-agent").ends_with("/1.35");
  out.status = request.path == "/ok" && agent ? 200 : 503;
  out.body = net::text("body");
  co_return out;
}

class HandlerTest : public testing::Test {
 protected:
  HandlerTest() { EXPECT_TRUE(server_.listen("127.0.0.1", 0)); }
  ~HandlerTest() override {
    net::run_task(loop_, server_.stop(std::chrono::seconds(1)));
    net::run_task(loop_, cri_.stop());
  }
  std::string port() { return std::to_string(server_.port()); }
  // The container's only probe or hook, as JSON.
  HandlerTarget target(const std::string& fields) {
    ObjectPtr pod =
        pod_of(R"({"containers":[{"name":"a","env":[{"name":"W","value":"w"}],)" + fields + "}]}");
    return {"id", "127.0.0.1", pod, core_v1::Pod(*pod).spec().containers()[0]};
  }
  std::string probe(const std::string& action) {
    HandlerTarget at = target(R"("livenessProbe":{"timeoutSeconds":1,)" + action + "}");
    HandlerResult result = net::run_task(
        loop_, run_probe_action(host_, at, at.container.liveness_probe(), stop_.token()));
    constexpr const char* kWords[] = {"good: ", "warning: ", "bad: ", "error: "};
    return kWords[static_cast<int>(result.outcome)] + result.output;
  }
  std::string http(const std::string& path) {
    return probe(R"("httpGet":{"port":)" + port() + R"(,"path":")" + path + R"("})");
  }
  std::string grpc(const std::string& service) {
    return probe(R"("grpc":{"port":)" + port() + R"(,"service":")" + service + R"("})");
  }
  std::string hook(const std::string& handler) {
    HandlerTarget at = target(R"("lifecycle":{"postStart":{)" + handler + "}}");
    HandlerResult result =
        net::run_task(loop_, run_hook(host_, at, at.container.lifecycle().post_start(),
                                      std::chrono::seconds(1), stop_.token()));
    return result.ok() ? "good" : result.output;
  }

  EpollLoop loop_;
  WorkerPool pool_{1};
  StopSource stop_;
  Cri cri_{loop_, "/tmp/tiphys-no-such-socket", stop_.token()};
  HandlerHost host_{loop_, pool_, cri_};
  net::Server server_{loop_, nullptr,
                      [this](net::Request r) { return answer(loop_, std::move(r)); }};
};

TEST_F(HandlerTest, HttpProbes) {
  std::string url = "http://127.0.0.1:" + port();
  EXPECT_EQ(http("/ok"), "good: body");
  EXPECT_EQ(http("/else"), "bad: HTTP probe failed with statuscode: 503");
  EXPECT_EQ(http("/there"), "good: body") << "redirects on the same host are followed";
  EXPECT_EQ(http("/away"), "warning: Probe terminated redirects, Response body: moved");
  EXPECT_EQ(http("/loop"), "bad: Get \"" + url + "/loop\": stopped after 10 redirects");
  EXPECT_EQ(http("/slow"), "bad: Get \"" + url +
                               "/slow\": context deadline exceeded (Client.Timeout exceeded while "
                               "awaiting headers)");
  EXPECT_EQ(probe(R"("httpGet":{"port":"none"})"),
            "error: strconv.Atoi: parsing \"none\": invalid syntax");
}

TEST_F(HandlerTest, GrpcProbes) {
  EXPECT_EQ(grpc(""), "good: service healthy");
  EXPECT_EQ(grpc("sick"), "bad: service unhealthy (responded with \"NOT_SERVING\")");
  EXPECT_EQ(grpc("none"),
            "bad: error: this server does not implement the grpc health protocol "
            "(grpc.health.v1.Health): unknown service");
}

TEST_F(HandlerTest, TcpProbes) {
  EXPECT_EQ(probe(R"("tcpSocket":{"port":)" + port() + "}"), "good: ");
  EXPECT_EQ(probe(R"("tcpSocket":{"port":70000})"), "error: invalid port number: 70000");
  EXPECT_EQ(probe(R"("tcpSocket":{"port":1})"),
            "bad: dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST_F(HandlerTest, WhatCantBeCarriedOutIsAnError) {
  EXPECT_TRUE(
      probe(R"x("exec":{"command":["a","$(W)"]})x").starts_with("error: rpc error: code = "));
  EXPECT_EQ(probe(R"("periodSeconds":1)"), "error: missing probe handler");
}

TEST_F(HandlerTest, Hooks) {
  std::string get = R"("httpGet":{"port":)" + port() + R"(,"path":"/else"})";
  EXPECT_EQ(hook(get), "good") << "any answer will do";
  EXPECT_EQ(hook(R"("sleep":{"seconds":600})"), "good") << "no longer than its limit";
  EXPECT_EQ(
      hook(R"("httpGet":{"port":1,"path":"/x"})"),
      "HTTP lifecycle hook (/x) for Container \"a\" in Pod \"p_default(u)\" failed - error: Get "
      "\"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_TRUE(hook(R"("exec":{"command":["a","b"]})")
                  .starts_with("Exec lifecycle hook ([a b]) for Container \"a\" in Pod "
                               "\"p_default(u)\" failed - error: "));
}

}  // namespace
}  // namespace tiphys::kubelet
