#include "dns/metrics_server.h"

#include "net/test_world.h"

namespace tiphys::dns {
namespace {

class MetricsServerTest : public testing::Test {
 public:
  MetricsServerTest() {
    Result<void> opened = server_.listen("127.0.0.1", 0);
    EXPECT_TRUE(opened) << opened.error().message();
  }
  ~MetricsServerTest() override { net::run_task(loop_, server_.stop()); }

  // "200 text"
  std::string get(const std::string& path) {
    net::Client client(loop_, {.address = "127.0.0.1:" + std::to_string(server_.port())});
    net::Request request{.method = "GET", .path = path, .authority = "dns"};
    auto answer = net::run_task(loop_, client.send(std::move(request), false, {}));
    net::run_task(loop_, client.stop());
    if (!answer) return answer.error().message();
    return std::to_string(answer->status) + " " + (answer->body ? *answer->body : "");
  }

  bool ready_ = false;
  bool allowed_ = true;
  EpollLoop loop_;
  MetricsServer server_{loop_,
                        {.text = [] { return std::string("coredns_dns_requests_total 1\n"); },
                         .ready = [this] { return ready_; },
                         .allowed =
                             [this](const IpAddress& who) {
                               return allowed_ && canonical_text(who) == "127.0.0.1";
                             }}};
};

TEST_F(MetricsServerTest, PathsAsOfCoreDns) {
  EXPECT_EQ(get("/metrics"), "200 coredns_dns_requests_total 1\n");
  EXPECT_EQ(get("/health"), "200 OK");
  EXPECT_EQ(get("/ready"), "503 kubernetes");
  ready_ = true;
  EXPECT_EQ(get("/ready"), "200 OK");
  EXPECT_EQ(get("/"), "404 404 page not found\n");
}

TEST_F(MetricsServerTest, StrangersAreTurnedAway) {
  allowed_ = false;
  for (const char* path : {"/metrics", "/health", "/ready", "/"}) {
    EXPECT_EQ(get(path), "403 forbidden\n") << path;
  }
}

TEST_F(MetricsServerTest, AnAddressMayComeLater) {
  EXPECT_TRUE(server_.listen("203.0.113.1", 0)) << "a documentation address: nobody has it";
  EXPECT_FALSE(server_.listen("127.0.0.1", server_.port())) << "taken";
  EXPECT_FALSE(server_.listen("pod", 0));
}

}  // namespace
}  // namespace tiphys::dns
