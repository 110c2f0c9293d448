#include "kubelet/probes/http_action.h"

#include <gtest/gtest.h>

#include "kubelet/pods/test_objects.h"

namespace tiphys::kubelet {
namespace {

struct Action {
  ObjectPtr pod;
  explicit Action(const std::string& action)
      : pod(pod_of(R"({"containers":[{"name":"a","livenessProbe":{"httpGet":)" + action + "}}]}")) {
  }
  core_v1::HTTPGetAction get() const {
    return core_v1::Pod(*pod).spec().containers()[0].liveness_probe().http_get();
  }
};

TEST(HttpAction, IsARequestWithUpstreamsHeaders) {
  Action a(R"({"path":"health?x=1","scheme":"HTTPS"})");
  HttpTarget target = http_target(a.get(), "10.0.0.1", 8443);
  EXPECT_EQ(target.url(), "https://10.0.0.1:8443/health?x=1");
  net::Request r = http_request(target, a.get(), "kube-probe/1.35");
  EXPECT_EQ(r.path, "/health");
  EXPECT_EQ(r.query, "x=1");
  EXPECT_EQ(r.authority, "10.0.0.1:8443");
  EXPECT_EQ(r.headers.get("user-agent"), "kube-probe/1.35");
  EXPECT_EQ(r.headers.get("accept"), "*/*");
  EXPECT_EQ(http_target(a.get(), "fd00::1", 80).address(), "[fd00::1]:80");
}

TEST(HttpAction, HeadersOfTheActionWin) {
  Action a(R"({"path":"/","httpHeaders":[{"name":"Host","value":"site"},{"name":"X-A","value":"1"},
      {"name":"x-a","value":"2"},{"name":"User-Agent","value":"mine"},
      {"name":"Accept","value":""}]})");
  net::Request r = http_request(http_target(a.get(), "h", 80), a.get(), "kube-probe/1.35");
  EXPECT_EQ(r.authority, "site");
  EXPECT_EQ(r.headers.get("user-agent"), "mine");
  EXPECT_FALSE(r.headers.has("accept"));
  size_t count = 0;
  for (const auto& entry : r.headers.entries()) count += entry.name == "x-a" ? 1 : 0;
  EXPECT_EQ(count, 2u);
}

TEST(HttpAction, RedirectsLeadSomewhere) {
  HttpTarget from{false, "10.0.0.1", 8080, "/a/b", "q"};
  auto url = [&](const char* location) {
    std::optional<HttpTarget> to = follow_location(from, location);
    return to ? to->url() : "";
  };
  EXPECT_EQ(url("/c?d#e"), "http://10.0.0.1:8080/c?d");
  EXPECT_EQ(url("c"), "http://10.0.0.1:8080/a/c");
  EXPECT_EQ(url("?x"), "http://10.0.0.1:8080/a/b?x");
  EXPECT_EQ(url("https://site/"), "https://site:443/");
  EXPECT_EQ(url("http://10.0.0.1"), "http://10.0.0.1:80/");
  EXPECT_EQ(url("//[fd00::1]:81/x"), "http://[fd00::1]:81/x");
  for (const char* bad : {"", "ftp://x/", "http://", "http://x:0/", "http://[::1/", "mailto:a"}) {
    EXPECT_EQ(url(bad), "") << bad;
  }
}

}  // namespace
}  // namespace tiphys::kubelet
