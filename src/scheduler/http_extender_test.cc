// Extenders over real sockets: what is sent, TLS, errors, the limit on answers.
#include "scheduler/http_extender.h"

#include "net/test_world.h"

namespace tiphys::scheduler {
namespace {

class HttpExtenderTest : public testing::Test {
 protected:
  void listen(std::shared_ptr<crypto::ServerTls> tls = nullptr) {
    server = std::make_unique<net::Server>(
        loop, std::move(tls), [this](net::Request request) { return answer(std::move(request)); });
    ASSERT_TRUE(server->listen("127.0.0.1", 0));
  }
  Task<net::Response> answer(net::Request request) {
    last = request;
    net::Response response;
    response.status = status;
    response.body = net::text(body);
    co_return response;
  }
  std::string url(std::string_view scheme) const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(server->port()) + "/sub/";
  }
  Result<ExtenderTransport::Answer> post(ExtenderConfig config, size_t max_bytes = 1024) {
    Result<std::vector<Extender>> made = http_extenders(loop, {config}, max_bytes);
    if (!made) return made.error();
    ExtenderTransport& transport = *(*made)[0].transport;
    auto got = net::run_task(loop, transport.post("filter", "{\"a\":1}", {}));
    net::run_task(loop, transport.stop());
    return got;
  }
  void TearDown() override {
    if (server) net::run_task(loop, server->stop(std::chrono::seconds(1)));
  }

  EpollLoop loop;
  std::unique_ptr<net::Server> server;
  net::Request last;
  int status = 200;
  std::string body = "{}";
};

TEST_F(HttpExtenderTest, PostsJson) {
  listen();
  auto got = post({.url_prefix = url("http")});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->body, "{}");
  EXPECT_EQ(last.method + " " + last.path, "POST /sub/filter");
  EXPECT_EQ(last.headers.get("content-type"), "application/json");
  EXPECT_EQ(last.body, "{\"a\":1}");
  status = 500;
  EXPECT_EQ(post({.url_prefix = url("http")})->status, 500);
}

TEST_F(HttpExtenderTest, AnswersAreLimited) {
  listen();
  body = std::string(1024, ' ');
  EXPECT_TRUE(post({.url_prefix = url("http")}));
  body += ' ';
  auto got = post({.url_prefix = url("http")});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message(), "the answer is larger than 1024 bytes");
}

TEST_F(HttpExtenderTest, TlsIsVerifiedUnlessToldOtherwise) {
  net::TestPki pki = net::TestPki::make();
  listen(pki.server_tls());
  std::string prefix = url("https");
  EXPECT_FALSE(post({.url_prefix = prefix})) << "an unknown authority";
  EXPECT_TRUE(post({.url_prefix = prefix, .enable_https = true})) << "nothing to verify by";
  EXPECT_TRUE(post({.url_prefix = prefix, .tls = {.insecure = true}}));
  ExtenderConfig known{
      .url_prefix = prefix,
      .enable_https = true,
      .tls = {.cert_data = pki.client_certificate, .key_data = pki.client_key, .ca_data = pki.ca}};
  EXPECT_TRUE(post(known));
  EXPECT_TRUE(last.peer_certificate);
  known.tls.server_name = "elsewhere";
  EXPECT_FALSE(post(known));
}

TEST_F(HttpExtenderTest, WhatCannotBeUsedIsSaidAtTheStart) {
  auto refused = [this](ExtenderConfig config) {
    Result<std::vector<Extender>> made = http_extenders(loop, {std::move(config)});
    return made ? std::string("none") : made.error().message();
  };
  EXPECT_EQ(refused({.url_prefix = "https://x", .tls = {.ca_file = "/no/such"}}),
            "couldn't build extenders: open /no/such: No such file or directory");
  EXPECT_EQ(refused({.url_prefix = "https://x", .tls = {.insecure = true, .ca_data = "a"}}),
            "couldn't build extenders: specifying a root certificates file with the insecure flag "
            "is not allowed");
  EXPECT_NE(refused({.url_prefix = "http://x:99999"}), "none");
  auto got = post({.url_prefix = "http://127.0.0.1:1"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message(), "dial tcp 127.0.0.1:1: connect: connection refused");
}

}  // namespace
}  // namespace tiphys::scheduler
