#include "net/health_checks.h"

#include <gtest/gtest.h>

namespace tiphys::net {
namespace {

struct HealthChecksTest : testing::Test {
  HealthChecks health;
  bool synced = false;

  HealthChecksTest() {
    health.serve("livez", {answers("ping")});
    health.serve("readyz", {answers("ping"), {"sync", [this]() -> Result<void> {
                                                if (synced) return {};
                                                return ApiStatus::internal("not synced");
                                              }}});
  }
  // "200 ok"
  std::string get(std::string_view path, std::string_view query = "") {
    std::optional<Response> answer = health.answer(path, query);
    return answer ? std::to_string(answer->status) + " " + *answer->body : "nothing";
  }
  std::string slis() { return *health.slis("GET").body; }
  bool counts(const std::string& line) { return slis().find("\n" + line + "\n") != slis().npos; }
};

TEST_F(HealthChecksTest, ARootPassesIfAllItsChecksDo) {
  EXPECT_EQ(get("/livez"), "200 ok");
  EXPECT_EQ(get("/livez/"), "200 ok");
  EXPECT_EQ(get("/readyz"),
            "500 [+]ping ok\n[-]sync failed: reason withheld\nreadyz check failed\n");
  synced = true;
  EXPECT_EQ(get("/readyz"), "200 ok");
  EXPECT_EQ(get("/readyz", "a=b&verbose"), "200 [+]ping ok\n[+]sync ok\nreadyz check passed\n");
  EXPECT_EQ(get("/readyz", "verbose=1"), "200 [+]ping ok\n[+]sync ok\nreadyz check passed\n");
}

TEST_F(HealthChecksTest, AnswersAreTextAndNothingElse) {
  Response answer = *health.answer("/livez", "");
  EXPECT_EQ(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.headers.get("x-content-type-options"), "nosniff");
}

TEST_F(HealthChecksTest, ChecksByThemselvesSayWhy) {
  EXPECT_EQ(get("/readyz/ping"), "200 ok");
  EXPECT_EQ(get("/readyz/sync"), "500 internal server error: not synced\n");
  EXPECT_EQ(get("/readyz/none"), "nothing");
  EXPECT_EQ(get("/livez/sync"), "nothing");
}

TEST_F(HealthChecksTest, OtherPathsAreOthers) {
  EXPECT_EQ(get("/healthz"), "nothing");
  EXPECT_EQ(get("/livezz"), "nothing");
  EXPECT_EQ(get("/"), "nothing");
  EXPECT_EQ(get(""), "nothing");
  EXPECT_EQ(get("livez"), "nothing");
  EXPECT_EQ(get("/livez/ping/"), "nothing");
}

TEST_F(HealthChecksTest, ChecksCanBeExcluded) {
  EXPECT_EQ(get("/readyz", "exclude=sync"), "200 ok");
  EXPECT_EQ(get("/readyz", "verbose&exclude=%73ync&exclude=x&exclude=%22"),
            "200 [+]ping ok\n[+]sync excluded: ok\n"
            "warn: some health checks cannot be excluded: no matches for \"\\\"\", \"x\"\n"
            "readyz check passed\n");
  EXPECT_EQ(get("/readyz", "exclude=%zz&exclude"),
            "500 [+]ping ok\n[-]sync failed: reason withheld\nreadyz check failed\n");
}

TEST_F(HealthChecksTest, WhichChecksAnAnswerRuns) {
  EXPECT_TRUE(health.runs("/readyz", "exclude=ping", "sync"));
  EXPECT_TRUE(health.runs("/readyz/sync", "exclude=sync", "sync"));
  EXPECT_FALSE(health.runs("/readyz", "exclude=sync", "sync"));
  EXPECT_FALSE(health.runs("/readyz/ping", "", "sync"));
  EXPECT_FALSE(health.runs("/livez", "", "sync"));
  EXPECT_FALSE(health.runs("/api", "", "sync"));
}

TEST_F(HealthChecksTest, SlisCountHowChecksEnd) {
  EXPECT_EQ(slis().find("name="), std::string::npos) << "nobody asked yet";
  (void)get("/readyz");
  (void)get("/readyz");
  EXPECT_TRUE(counts("kubernetes_healthcheck{name=\"sync\",type=\"readyz\"} 0")) << slis();
  synced = true;
  (void)get("/readyz", "exclude=ping");
  (void)get("/readyz/sync");
  (void)get("/livez");
  EXPECT_TRUE(counts("kubernetes_healthcheck{name=\"sync\",type=\"readyz\"} 1"));
  EXPECT_TRUE(
      counts("kubernetes_healthchecks_total{name=\"sync\",status=\"error\",type=\"readyz\"} 2"));
  EXPECT_TRUE(
      counts("kubernetes_healthchecks_total{name=\"sync\",status=\"success\",type=\"readyz\"} 1"));
  EXPECT_TRUE(
      counts("kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"readyz\"} 2"));
  EXPECT_TRUE(
      counts("kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"livez\"} 1"));
  EXPECT_EQ(slis().find("# HELP kubernetes_healthcheck [STABLE] "), 0U);
  EXPECT_EQ(health.slis("GET").headers.get("content-type"),
            "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(HealthChecksTest, DeleteForgetsSlis) {
  (void)get("/livez");
  EXPECT_EQ(*health.slis("DELETE").body, "metrics reset\n");
  EXPECT_EQ(slis().find("name="), std::string::npos);
}

TEST_F(HealthChecksTest, ChecksCanBeAdded) {
  health.add("livez", answers("more"));
  EXPECT_EQ(get("/livez", "verbose"), "200 [+]ping ok\n[+]more ok\nlivez check passed\n");
}

}  // namespace
}  // namespace tiphys::net
