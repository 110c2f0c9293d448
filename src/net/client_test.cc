// Client and Server together, over TLS and plain, in both protocols.
#include "net/client.h"

#include <gtest/gtest.h>

#include "net/test_world.h"

namespace tiphys::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Routes {
  explicit Routes(EpollLoop& l) : loop(l), gone(l), streams(l) {}
  EpollLoop& loop;
  Event gone;     // a waiting request saw its client go
  Event streams;  // a stream was opened
  std::shared_ptr<Channel<std::string>> channel;
  int requests = 0;
  size_t largest_chunk = 0;
  bool broken = false;  // an upload
};

Task<void> echo_stream(std::unique_ptr<ByteStream> stream) {
  while (true) {
    auto bytes = co_await stream->read(1024, {});
    if (!bytes || bytes->empty()) co_return;
    auto written = co_await stream->write("<" + *bytes + ">", {});
    if (!written) co_return;
  }
}

Task<Response> wait_for_gone(Routes* routes, StopToken gone) {
  Event never(routes->loop);
  co_await never.wait(gone);
  routes->gone.set();
  co_return Response{.status = 499};
}

Response open_stream(Routes* routes) {
  routes->channel = std::make_shared<Channel<std::string>>(routes->loop, 1000);
  Response response;
  response.stream = std::make_unique<ChannelBody>(routes->channel);
  routes->streams.set();
  return response;
}

Task<Response> route(Routes* routes, Request request) {
  ++routes->requests;
  Response response;
  if (request.path == "/echo") {
    response.headers.add("x-method", request.method);
    response.headers.add("x-query", request.query);
    auto subject = request.peer_certificate ? request.peer_certificate->subject().common_name : "-";
    response.headers.add("x-peer", subject);
    response.body = text(std::move(request.body));
  } else if (request.path == "/upload") {
    size_t bytes = 0;
    Result<Bytes> chunk = co_await request.body_stream->next({});
    while (chunk && *chunk) {
      bytes += (*chunk)->size();
      routes->largest_chunk = std::max(routes->largest_chunk, (*chunk)->size());
      co_await yield(routes->loop);
      chunk = co_await request.body_stream->next({});
    }
    if (!chunk) routes->broken = true;
    response.body = text(std::to_string(bytes));
  } else if (request.path == "/upload/refused") {
    response.status = 403;
  } else if (request.path == "/too-large") {
    response.body = text(request.body_too_large ? "too large" : "fits");
  } else if (request.path == "/large") {
    response.body = text(std::string(5'000'000, 'L'));
  } else if (request.path == "/wait") {
    response = co_await wait_for_gone(routes, request.gone);
  } else if (request.path == "/stream") {
    response = open_stream(routes);
  } else if (request.path == "/upgrade") {
    response.status = 101;
    response.headers.add("connection", "Upgrade");
    response.headers.add("upgrade", "echo");
    response.upgrade = echo_stream;
  } else {
    response.status = 404;
    response.body = text("no such path");
  }
  co_return response;
}

struct Mode {
  bool tls;
  bool http2;
};

class ClientTest : public testing::TestWithParam<Mode> {
 protected:
  ClientTest() {
    if (GetParam().tls) pki_ = TestPki::make();
    server_ = std::make_unique<Server>(
        loop_, GetParam().tls ? pki_.server_tls() : nullptr,
        [this](Request request) { return route(&routes_, std::move(request)); }, limits());
    EXPECT_TRUE(server_->listen("127.0.0.1", 0));
    client_ = std::make_unique<Client>(loop_, options());
  }
  ~ClientTest() override {
    run_task(loop_, client_->stop());
    run_task(loop_, server_->stop(milliseconds(100)));
  }
  static ServerLimits limits() {
    ServerLimits limits;
    limits.streams_body = [](std::string_view path, const Headers&) {
      return path.starts_with("/upload");
    };
    return limits;
  }
  ClientOptions options() const {
    ClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(server_->port());
    if (GetParam().tls) options.tls = pki_.client_tls();
    options.http2 = GetParam().http2;
    return options;
  }
  Result<Response> send(Request request, bool stream = false, StopToken stop = {}) {
    return run_task(loop_, client_->send(std::move(request), stream, stop));
  }
  std::string next(Response& response) {
    auto chunk = run_task(loop_, response.stream->next({}));
    if (!chunk) return "error: " + chunk.error().message();
    return *chunk ? **chunk : "END";
  }
  TestPki pki_;
  EpollLoop loop_;
  Routes routes_{loop_};
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

// A body that comes in pieces.
class PieceBody : public BodyStream {
 public:
  PieceBody(int pieces, bool broken) : left_(pieces), broken_(broken) {}
  Task<Result<Bytes>> next(StopToken) override {
    if (left_-- > 0) co_return text(std::string(100'000, 'p'));
    if (broken_) co_return ApiStatus::internal("the body broke off");
    co_return Bytes();
  }

 private:
  int left_;
  bool broken_;
};

TEST_P(ClientTest, ABodyOfAnyLengthIsNeverHeldWhole) {
  Request whole;
  whole.method = "PUT";
  whole.path = "/upload";
  whole.body = std::string(9'000'000, 'x');
  auto answer = send(std::move(whole));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(*answer->body, "9000000");
  EXPECT_LE(routes_.largest_chunk, 1'000'000u);
  for (bool chunked : {true, false}) {
    Request streamed;
    streamed.method = "PUT";
    streamed.path = "/upload";
    streamed.body_stream = std::make_unique<PieceBody>(70, false);
    if (!chunked) streamed.headers.set("content-length", "7000000");
    answer = send(std::move(streamed));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(*answer->body, "7000000");
  }
}

TEST_P(ClientTest, ABodyThatBreaksOffIsNotTakenForAWholeOne) {
  Request request;
  request.method = "PUT";
  request.path = "/upload";
  request.body_stream = std::make_unique<PieceBody>(3, true);
  auto answer = send(std::move(request));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message(), "the body broke off");
  while (!routes_.broken) run_task(loop_, yield(loop_));
}

TEST_P(ClientTest, AnUploadMayBeAnsweredBeforeItIsRead) {
  for (bool streamed : {false, true}) {
    Request request;
    request.method = "PUT";
    request.path = "/upload/refused";
    if (streamed) {
      request.body_stream = std::make_unique<PieceBody>(70, false);
    } else {
      request.body = std::string(2'000'000, 'x');
    }
    auto answer = send(std::move(request));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->status, 403);
  }
  EXPECT_EQ(send(make_get("/large"))->body->size(), 5'000'000u);
}

TEST_P(ClientTest, TheHandlerIsToldOfABodyThatIsTooLarge) {
  ServerLimits told = limits();
  told.too_large_to_handler = true;
  Server server(
      loop_, GetParam().tls ? pki_.server_tls() : nullptr,
      [this](Request request) { return route(&routes_, std::move(request)); }, told);
  ASSERT_TRUE(server.listen("127.0.0.1", 0));
  ClientOptions to = options();
  to.address = "127.0.0.1:" + std::to_string(server.port());
  Client client(loop_, to);
  for (size_t size : {size_t{3} << 20, (size_t{3} << 20) + 1}) {
    Request request;
    request.method = "POST";
    request.path = "/too-large";
    request.body = std::string(size, 'x');
    auto answer = run_task(loop_, client.send(std::move(request), false, {}));
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(*answer->body, size > (size_t{3} << 20) ? "too large" : "fits");
  }
  run_task(loop_, client.stop());
  run_task(loop_, server.stop(milliseconds(100)));
}

TEST_P(ClientTest, RequestAndAnswer) {
  Request request;
  request.method = "POST";
  request.path = "/echo";
  request.query = "a=b&c=%20";
  request.body = "hello";
  auto response = send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.get("x-method"), "POST");
  EXPECT_EQ(response->headers.get("x-query"), "a=b&c=%20");
  EXPECT_EQ(response->headers.get("x-peer"), GetParam().tls ? "alice" : "-");
  EXPECT_EQ(response->headers.get("content-length"), "5");
  EXPECT_TRUE(response->headers.has("date"));
  EXPECT_EQ(*response->body, "hello");
}

TEST_P(ClientTest, ManyRequestsOnOneConnection) {
  for (int i = 0; i < 50; ++i) {
    auto response = send(make_get(i % 2 ? "/echo" : "/none"));
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->status, i % 2 ? 200 : 404);
  }
}

TEST_P(ClientTest, LargeBodiesBothWays) {
  auto large = send(make_get("/large"));
  ASSERT_TRUE(large) << large.error().message();
  EXPECT_EQ(large->body->size(), 5'000'000u);
  Request upload;
  upload.method = "PUT";
  upload.path = "/echo";
  upload.body = std::string(2'500'000, 'u');
  auto echoed = send(upload);
  ASSERT_TRUE(echoed) << echoed.error().message();
  EXPECT_EQ(*echoed->body, upload.body);
}

TEST_P(ClientTest, HeadHasLengthButNoBody) {
  Request request = make_get("/large");
  request.method = "HEAD";
  auto response = send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->headers.get("content-length"), "5000000");
  EXPECT_EQ(response->body->size(), 0u);
  EXPECT_EQ(send(make_get("/echo"))->status, 200);
}

TEST_P(ClientTest, TooLargeABodyIs413) {
  Request upload;
  upload.method = "POST";
  upload.path = "/echo";
  upload.body = std::string(4'000'000, 'u');
  auto response = send(upload);
  // A client may also see the connection end while it still sends.
  if (response) EXPECT_EQ(response->status, 413);
  EXPECT_EQ(routes_.requests, 0);
  EXPECT_EQ(send(make_get("/echo"))->status, 200);
}

TEST_P(ClientTest, StreamedChunksArriveAtOnce) {
  auto response = send(make_get("/stream"), true);
  ASSERT_TRUE(response) << response.error().message();
  for (std::string chunk : {"one", "two"}) {
    ASSERT_TRUE(routes_.channel->try_push(chunk));
    EXPECT_EQ(next(*response), chunk);
  }
  routes_.channel->close();
  EXPECT_EQ(next(*response), "END");
  EXPECT_EQ(send(make_get("/echo"))->status, 200);
}

TEST_P(ClientTest, BrokenStreamIsAnError) {
  auto response = send(make_get("/stream"), true);
  ASSERT_TRUE(response);
  ASSERT_TRUE(routes_.channel->try_push("one"));
  EXPECT_EQ(next(*response), "one");
  ASSERT_TRUE(routes_.channel->try_push("BREAK"));
  EXPECT_TRUE(next(*response).starts_with("error: "));
}

TEST_P(ClientTest, DroppedStreamEndsTheServersSide) {
  auto response = send(make_get("/stream"), true);
  ASSERT_TRUE(response);
  auto channel = routes_.channel;
  response->stream.reset();
  EXPECT_EQ(run_task(loop_, channel->pop()), std::nullopt);
  EXPECT_TRUE(channel->closed());
}

TEST_P(ClientTest, SlowReaderHoldsTheProducerBack) {
  auto response = send(make_get("/stream"), true);
  ASSERT_TRUE(response);
  const std::string chunk(100'000, 'c');
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(routes_.channel->try_push(chunk));
  run_task(loop_, [](EpollLoop& loop) -> Task<void> {
    co_await sleep_for(loop, milliseconds(100));
  }(loop_));
  EXPECT_GT(routes_.channel->size(), 100u) << "30 MB would be buffered otherwise";
  routes_.channel->close();
  size_t got = 0;
  for (std::string part = next(*response); part != "END"; part = next(*response)) {
    got += part.size();
  }
  EXPECT_EQ(got, 30'000'000u);
}

TEST_P(ClientTest, CancelledRequestReachesTheHandler) {
  StopSource source;
  loop_.call_after(milliseconds(20), [&] { source.request_stop(); });
  auto response = send(make_get("/wait"), false, source.token());
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().is_stopped());
  EXPECT_TRUE(run_task(loop_, routes_.gone.wait()));
}

Task<std::string> upgrade_and_talk(Client* client) {
  Request request = make_get("/upgrade");
  request.headers.add("connection", "Upgrade");
  request.headers.add("upgrade", "echo");
  auto upgraded = co_await client->upgrade(std::move(request), {});
  if (!upgraded) co_return upgraded.error().message();
  if (!upgraded->stream) co_return "status " + std::to_string(upgraded->response.status);
  std::string got;
  for (std::string word : {"a", "b"}) {
    auto written = co_await upgraded->stream->write(word, {});
    if (!written) co_return written.error().message();
    auto bytes = co_await upgraded->stream->read(100, {});
    if (!bytes) co_return bytes.error().message();
    got += *bytes;
  }
  co_return got;
}

TEST_P(ClientTest, UpgradeGivesTheConnection) {
  EXPECT_EQ(run_task(loop_, upgrade_and_talk(client_.get())), "<a><b>");
}

Task<std::string> refused_upgrade(Client* client) {
  auto upgraded = co_await client->upgrade(make_get("/none"), {});
  if (!upgraded) co_return upgraded.error().message();
  co_return std::to_string(upgraded->response.status) + *upgraded->response.body;
}

TEST_P(ClientTest, RefusedUpgradeGivesTheAnswer) {
  EXPECT_EQ(run_task(loop_, refused_upgrade(client_.get())), "404no such path");
}

TEST_P(ClientTest, StopEndsStreamsAndLetsRequestsFinish) {
  auto stream = send(make_get("/stream"), true);
  ASSERT_TRUE(stream);
  run_task(loop_, server_->stop(seconds(5)));
  EXPECT_EQ(next(*stream), "END");
  auto refused = send(make_get("/echo"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("connection refused"), std::string::npos);
}

TEST_P(ClientTest, StopGivesUpWaitingAfterTheGrace) {
  std::optional<Result<Response>> answer;
  spawn([](Client* client, std::optional<Result<Response>>* out) -> Task<void> {
    auto got = co_await client->send(make_get("/wait"), false, {});
    out->emplace(std::move(got));
  }(client_.get(), &answer));
  run_task(loop_, sleep_for(loop_, milliseconds(50)));
  run_task(loop_, server_->stop(milliseconds(50)));
  EXPECT_TRUE(routes_.gone.is_set());
}

TEST_P(ClientTest, ReconnectsAfterTheServerRestarted) {
  ASSERT_EQ(send(make_get("/echo"))->status, 200);
  uint16_t port = server_->port();
  run_task(loop_, server_->stop(milliseconds(100)));
  server_ = std::make_unique<Server>(
      loop_, GetParam().tls ? pki_.server_tls() : nullptr,
      [this](Request request) { return route(&routes_, std::move(request)); });
  ASSERT_TRUE(server_->listen("127.0.0.1", port));
  auto again = send(make_get("/echo"));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->status, 200);
}

INSTANTIATE_TEST_SUITE_P(, ClientTest,
                         testing::Values(Mode{true, true}, Mode{true, false}, Mode{false, true},
                                         Mode{false, false}),
                         [](const auto& info) {
                           return std::string(info.param.tls ? "Tls" : "Plain") +
                                  (info.param.http2 ? "Http2" : "Http1");
                         });

class ClientTlsTest : public testing::Test {
 protected:
  std::string connect(std::shared_ptr<crypto::ClientTls> tls, const std::string& name = "") {
    ClientOptions options;
    options.address = "127.0.0.1:" + std::to_string(server_.port());
    options.tls = std::move(tls);
    options.server_name = name;
    Client client(loop_, options);
    auto response = run_task(loop_, client.send(make_get("/echo"), false, {}));
    run_task(loop_, client.stop());
    if (!response) return response.error().message();
    return std::string(response->headers.get("x-peer"));
  }
  ClientTlsTest() { EXPECT_TRUE(server_.listen("127.0.0.1", 0)); }
  ~ClientTlsTest() override { run_task(loop_, server_.stop(milliseconds(10))); }
  TestPki pki_ = TestPki::make();
  EpollLoop loop_;
  Routes routes_{loop_};
  Server server_{loop_, pki_.server_tls(),
                 [this](Request request) { return route(&routes_, std::move(request)); }};
};

TEST_F(ClientTlsTest, CertificatesAreChecked) {
  EXPECT_EQ(connect(pki_.client_tls()), "alice");
  EXPECT_EQ(connect(pki_.client_tls(false)), "-");
  TestPki other = TestPki::make();
  EXPECT_NE(connect(other.client_tls(false)).find("tls: failed to verify certificate"),
            std::string::npos);
  EXPECT_NE(connect(pki_.client_tls(), "example.com").find("tls: failed to verify certificate"),
            std::string::npos);
}

TEST_F(ClientTlsTest, ForeignClientCertificateIsRefused) {
  TestPki other = TestPki::make();
  crypto::ClientTls::Options options;
  options.ca_pem = pki_.ca;
  options.certificate_pem = other.client_certificate;
  options.key_pem = other.client_key;
  std::string answer = connect(*crypto::ClientTls::create(options));
  EXPECT_NE(answer, "alice");
  EXPECT_NE(answer, "-");
  EXPECT_EQ(routes_.requests, 0);
}

TEST(ClientErrors, NobodyListensAndTimeouts) {
  EpollLoop loop;
  ClientOptions options;
  auto fd = listen_tcp("127.0.0.1", 0);
  std::string port = std::to_string(bound_port(fd->get()));
  fd->reset();
  options.address = "127.0.0.1:" + port;
  Client client(loop, options);
  auto refused = run_task(loop, client.send(make_get("/"), false, {}));
  EXPECT_EQ(refused.error().message(),
            "dial tcp 127.0.0.1:" + port + ": connect: connection refused");
  options.address = "no port";
  Client bad(loop, options);
  EXPECT_FALSE(run_task(loop, bad.send(make_get("/"), false, {})));
}

TEST(ClientErrors, NamesAreLookedUpOnThePool) {
  EpollLoop loop;
  ClientOptions options;
  options.address = "no-such-name.invalid:1";
  Client client(loop, options);
  auto failed = run_task(loop, client.send(make_get("/"), false, {}));
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().message().starts_with("dial tcp: lookup no-such-name.invalid: "));
}

}  // namespace
}  // namespace tiphys::net
