// The server's HTTP/1.1 against bytes that no decent client sends.
#include <gtest/gtest.h>

#include "net/raw_client.h"
#include "net/test_world.h"

namespace tiphys::net {
namespace {

using std::chrono::milliseconds;

Task<Response> describe(std::vector<std::string>* seen, Request request) {
  seen->push_back(request.method + " " + request.path + "?" + request.query + " " +
                  request.authority + " [" + request.body + "]");
  Response response;
  response.body = text("<" + request.path + ">");
  co_return response;
}

class Http1ServerTest : public testing::Test {
 protected:
  void start(ServerLimits limits = {}) {
    server_ = std::make_unique<Server>(
        loop_, nullptr, [this](Request r) { return describe(&seen_, std::move(r)); }, limits);
    ASSERT_TRUE(server_->listen("127.0.0.1", 0));
  }
  void TearDown() override { run_task(loop_, server_->stop(milliseconds(50))); }
  // What the server says until it closes.
  std::string say(std::vector<std::string> parts, bool shut = false) {
    if (!server_) start();
    std::string answer;
    uint16_t port = server_->port();
    with_loop(loop_, [&] {
      RawClient client(port);
      for (const std::string& part : parts) {
        if (!client.send(part)) break;
        std::this_thread::yield();
      }
      if (shut) client.shut_write();
      answer = client.rest();
    });
    return answer;
  }
  std::string status_of(const std::string& request) {
    std::string answer = say({request});
    return answer.size() < 12 ? answer : answer.substr(9, 3);
  }
  EpollLoop loop_;
  std::vector<std::string> seen_;
  std::unique_ptr<Server> server_;
};

const std::string kEnd = "Host: h\r\nConnection: close\r\n\r\n";

TEST_F(Http1ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  std::string all;
  for (int i = 0; i < 200; ++i) {
    all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  }
  std::string answer = say({all + "GET /last HTTP/1.1\r\n" + kEnd});
  size_t at = 0;
  for (int i = 0; i < 200; ++i) {
    at = answer.find("<" + ("/" + std::to_string(i)) + ">", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_TRUE(answer.ends_with("</last>"));
  EXPECT_EQ(seen_.size(), 201u);
}

TEST_F(Http1ServerTest, BytesMayComeOneByOne) {
  std::vector<std::string> parts;
  for (char c : "POST /a?b HTTP/1.1\r\nContent-Length: 3\r\n" + kEnd + "xyz") {
    parts.push_back(std::string(1, c));
  }
  EXPECT_TRUE(say(parts).ends_with("</a>"));
  EXPECT_EQ(seen_, std::vector<std::string>{"POST /a?b h [xyz]"});
}

TEST_F(Http1ServerTest, ChunkedBodies) {
  say({"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + kEnd, "4\r\nWi",
       "ki\r\n5;ext=\"1\"\r\npedia\r\n0", "\r\nTrailer: x\r\n\r\n"});
  EXPECT_EQ(seen_, std::vector<std::string>{"POST /a? h [Wikipedia]"});
}

TEST_F(Http1ServerTest, AbsoluteFormAndOptions) {
  say({"GET http://other:80/x?y HTTP/1.1\r\nHost: h\r\n\r\nOPTIONS * HTTP/1.1\r\n" + kEnd});
  EXPECT_EQ(seen_, (std::vector<std::string>{"GET /x?y other:80 []", "OPTIONS *? h []"}));
}

TEST_F(Http1ServerTest, ExpectContinue) {
  start();
  std::string answer;
  uint16_t port = server_->port();
  with_loop(loop_, [&] {
    RawClient client(port);
    client.send("PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + kEnd);
    EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    answer = client.rest();
  });
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Http1ServerTest, AnswersAClientThatClosedItsSide) {
  EXPECT_TRUE(say({"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"}, true).ends_with("</a>"));
  EXPECT_TRUE(say({"BAD\r\n\r\n"}, true).starts_with("HTTP/1.1 400"));
  EXPECT_EQ(say({"GET /a HTTP/1.1\r\nHos"}, true), "");
}

TEST_F(Http1ServerTest, Http10Closes) {
  std::string answer = say({"GET /a HTTP/1.0\r\n\r\n"});
  EXPECT_TRUE(answer.ends_with("</a>"));
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(Http1ServerTest, RefusesWhatIsAmbiguous) {
  const std::string post = "POST /a HTTP/1.1\r\nHost: h\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400"},
      {post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy", "400"},
      {post + "Content-Length: 1, 1\r\n\r\nx", "400"},
      {post + "Content-Length: +1\r\n\r\nx", "400"},
      {post + "Content-Length: 0x1\r\n\r\nx", "400"},
      {post + "Content-Length: \r\n\r\n", "400"},
      {post + "Content-Length: 99999999999999999999\r\n\r\n", "400"},
      {post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", "400"},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
      {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501"},
      {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501"},
      {"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {post + "A: b\r\n c\r\n\r\n", "400"},
      {post + "A : b\r\n\r\n", "400"},
      {post + "A\r\n\r\n", "400"},
      {post + ": b\r\n\r\n", "400"},
      {post + "A: b\rC: d\r\n\r\n", "400"},
      {post + "A: b\nC: d\r\n\r\n", "400"},
      {post + std::string("A: b\0c\r\n\r\n", 11), "400"},
      {"GET /a HTTP/1.1\r\n\r\n", "400"},
      {"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET a HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"G(T /a HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /a HTTP/1.2\r\nHost: h\r\n\r\n", "505"},
      {"GET /a HTTP/2.0\r\nHost: h\r\n\r\n", "505"},
      {"GET /a\r\nHost: h\r\n\r\n", "400"},
      {"GET /a HTTP/1.1\r\nHost: h\r\nExpect: magic\r\n\r\n", "417"},
      {post + "Transfer-Encoding: chunked\r\n\r\nx\r\n", "400"},
      {post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "400"},
      {post + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", "400"},
      {post + "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", "400"},
      {post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "400"},
      {post + "Transfer-Encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n", "400"}};
  for (const auto& [request, status] : cases) EXPECT_EQ(status_of(request), status) << request;
  EXPECT_TRUE(seen_.empty());
}

TEST_F(Http1ServerTest, HeaderLimitIs431) {
  start({.max_header_bytes = 10'000});
  std::string start_line = "GET /a HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(status_of(start_line + "A: " + std::string(20'000, 'x') + "\r\n\r\n"), "431");
  EXPECT_EQ(status_of(start_line + "A: " + std::string(20'000, 'x')), "431") << "endless line";
  std::string many;
  for (int i = 0; i < 1200; ++i) many += "A:\r\n";
  EXPECT_EQ(status_of(start_line + many + "\r\n"), "431");
  EXPECT_TRUE(seen_.empty());
}

TEST_F(Http1ServerTest, BodyLimitIs413) {
  start({.max_body_bytes = 1000});
  std::string post = "POST /a HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(status_of(post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')), "413");
  EXPECT_EQ(status_of(post + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x') +
                      "\r\n0\r\n\r\n"),
            "413");
  EXPECT_EQ(status_of(post + "Connection: close\r\nContent-Length: 1000\r\n\r\n" +
                      std::string(1000, 'x')),
            "200");
  EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(Http1ServerTest, slowloris_head_body_and_idle_are_closed) {
  start({.idle_timeout = milliseconds(100),
         .header_timeout = milliseconds(100),
         .body_timeout = milliseconds(100)});
  EXPECT_EQ(say({""}), "");
  EXPECT_EQ(say({"GET /a HT"}), "");
  EXPECT_EQ(say({"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc"}), "");
  EXPECT_TRUE(say({"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"}).ends_with("</a>"));
}

// CVE-2023-39326: extensions of tiny chunks must not cost without bound.
TEST_F(Http1ServerTest, cve_2023_39326_chunk_extensions) {
  std::string body = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200; ++i) body += "1;" + std::string(2000, 'e') + "\r\nx\r\n";
  EXPECT_EQ(status_of(body + "0\r\n\r\n"), "400");
}

TEST_F(Http1ServerTest, ConnectionLimit) {
  start({.max_connections = 2});
  uint16_t port = server_->port();
  with_loop(loop_, [&] {
    RawClient first(port);
    RawClient second(port);
    first.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    first.until("</a>");
    second.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    second.until("</a>");
    RawClient third(port);
    EXPECT_EQ(third.rest(), "");
    first.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(first.until("</b>").ends_with("</b>"));
  });
}

}  // namespace
}  // namespace tiphys::net
