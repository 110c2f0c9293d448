#include "proxy/proxy_health.h"

#include <gtest/gtest.h>

namespace tiphys::proxy {
namespace {

constexpr MonoTime at(int seconds) { return std::chrono::seconds(seconds); }
constexpr MicroTime kWall = 1'700'000'000'123'456;

TEST(ProxyHealth, AChangeThatWaitsTooLongIsUnhealthy) {
  ProxyHealth health;
  EXPECT_EQ(health.healthz(at(1000), kWall).status, 200) << "while starting";
  health.queued(at(1000));
  EXPECT_EQ(health.livez(at(1059), kWall).status, 200);
  health.queued(at(1050));
  EXPECT_EQ(health.livez(at(1060), kWall).status, 503) << "the first that waits counts";
  health.updated(kWall);
  EXPECT_EQ(health.livez(at(1060), kWall).status, 200);
}

TEST(ProxyHealth, ANodeThatIsAboutToGoFailsHealthzOnly) {
  ProxyHealth health;
  health.updated(kWall);
  health.set_node_eligible(false);
  net::Response answer = health.healthz(at(1), kWall + 1'000'000);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(*answer.body,
            "{\"lastUpdated\": \"2023-11-14 22:13:20.123456 +0000 UTC\",\"currentTime\": "
            "\"2023-11-14 22:13:21.123456 +0000 UTC\", \"nodeEligible\": false}");
  EXPECT_EQ(health.livez(at(1), kWall).status, 200);
}

}  // namespace
}  // namespace tiphys::proxy
