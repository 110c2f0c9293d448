#include "apiserver/pipeline/time_limit.h"

#include "apiserver/api_server_fixture.h"
#include "async/gate.h"

namespace tiphys::apiserver {
namespace {

constexpr Duration kServer = std::chrono::seconds(60);

std::optional<Duration> limit_of(std::string_view path, std::string_view query) {
  auto parsed = parse_request_info("GET", path, query);
  auto limit = time_limit(parsed->info, Query::parse(query), kServer);
  return limit ? *limit : Duration(-1);
}

TEST(TimeLimit, the_client_may_ask_for_less) {
  EXPECT_EQ(limit_of("/api/v1/pods", ""), kServer);
  EXPECT_EQ(limit_of("/api/v1/pods", "timeout=5s"), std::chrono::seconds(5));
  EXPECT_EQ(limit_of("/api/v1/pods", "timeout=5m"), kServer);
  EXPECT_EQ(limit_of("/api/v1/pods", "timeout=0"), kServer);
  EXPECT_EQ(limit_of("/api/v1/pods", "timeout=soon"), Duration(-1));
}

TEST(TimeLimit, streams_have_none) {
  EXPECT_EQ(limit_of("/api/v1/pods", "watch=1&timeout=1s"), std::nullopt);
  EXPECT_EQ(limit_of("/api/v1/namespaces/a/pods/p/log", ""), std::nullopt);
  EXPECT_EQ(limit_of("/api/v1/namespaces/a/services/s/proxy/x", ""), std::nullopt);
  EXPECT_EQ(limit_of("/api/v1/namespaces/a/pods/p/exec", ""), std::nullopt);
}

// Writes of config maps take an hour.
class Slow : public AdmissionPlugin {
 public:
  explicit Slow(Loop& loop) : loop_(loop) {}
  std::string_view name() const override { return "Slow"; }
  Task<Result<void>> validate(AdmissionRequest& request) override {
    if (request.resource->resource == "configmaps") {
      (void)co_await sleep_for(loop_, std::chrono::hours(1));
    }
    co_return Result<void>();
  }

 private:
  Loop& loop_;
};

class SlowTest : public ApiServerTest {
 protected:
  SlowTest() { server_.add_admission(std::make_unique<Slow>(loop_)); }
};

TEST_F(SlowTest, a_write_that_takes_too_long_ends_in_504) {
  MonoTime start = loop_.mono();
  Reply reply = ask("POST", "/api/v1/namespaces/default/configmaps?timeout=5s",
                    R"({"metadata":{"name":"a"}})");
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(at(reply.body, {"reason"}), "Timeout");
  EXPECT_EQ(at(reply.body, {"message"}),
            "Timeout: request did not complete within requested timeout - context deadline "
            "exceeded");
  EXPECT_EQ(loop_.mono() - start, std::chrono::seconds(5));
  Reply bad = ask("GET", "/api/v1/namespaces?timeout=x");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(at(bad.body, {"message"}),
            "invalid timeout specified in the request URL - time: invalid duration \"x\"");
}

// Limits count everyone but system:masters.
class Somebody : public Authenticator {
 public:
  Result<std::optional<Authenticated>> authenticate(const net::Request&) override {
    Authenticated found;
    found.user.name = "somebody";
    return std::optional(found);
  }
  Result<std::optional<Authenticated>> authenticate_token(
      std::string_view, const std::vector<std::string>&) override {
    return std::optional<Authenticated>();
  }
};

net::Request write_config_map(std::string name) {
  net::Request request;
  request.method = "POST";
  request.path = "/api/v1/namespaces/default/configmaps";
  request.headers.set("content-type", "application/json");
  request.body = R"({"metadata":{"name":")" + name + R"("}})";
  return request;
}

Task<void> keep_status(ApiServer& server, net::Request request, int& status) {
  net::Response response = co_await server.handle(std::move(request));
  status = response.status;
}

TEST(InFlight, requests_over_the_limit_are_turned_away) {
  SimLoop loop;
  auto store = storage::make_memory_store(loop);
  WorkerPool pool(1);
  SeededRandom random(7);
  ApiServerOptions options;
  options.max_mutating_requests_in_flight = 1;
  ApiServer server(loop, pool, *store, random, options);
  server.set_authenticator(std::make_unique<Somebody>());
  server.add_admission(std::make_unique<Slow>(loop));
  ASSERT_TRUE(loop.run(server.start()));
  Gate gate(loop);
  int first = 0;
  gate.spawn(keep_status(server, write_config_map("a"), first));
  net::Response second = loop.run(server.handle(write_config_map("b")));
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(second.headers.get("retry-after"), "1");
  net::Request read = write_config_map("");
  read.method = "GET";
  EXPECT_EQ(loop.run(server.handle(std::move(read))).status, 200);
  loop.run(gate.close());
  EXPECT_EQ(first, 504);
  loop.run(server.stop());
  loop.run(store->stop());
}

}  // namespace
}  // namespace tiphys::apiserver
