#include "kubelet/pods/static_pod_url.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

TEST(StaticPodUrl, SecretsGoToItsOwnHostOnly) {
  Options options;
  options.static_pod_url_header = {
      {"Authorization", {"Bearer t"}}, {"X-Id", {"1", "2"}}, {"Host", {"other"}}};
  HttpTarget first = *follow_location(HttpTarget(), "http://here:81/pods?x=1");
  net::Request request = static_pod_request(first, first, options);
  EXPECT_EQ(request.path + "?" + request.query, "/pods?x=1");
  EXPECT_EQ(request.authority, "here:81");
  EXPECT_EQ(request.headers.get("authorization"), "Bearer t");
  EXPECT_EQ(request.headers.entries().size(), 3u) << "each value of a header";
  HttpTarget beside = *follow_location(first, "/elsewhere");
  EXPECT_TRUE(static_pod_request(beside, first, options).headers.has("authorization"));
  HttpTarget away = *follow_location(first, "http://there/pods");
  request = static_pod_request(away, first, options);
  EXPECT_FALSE(request.headers.has("authorization"));
  EXPECT_EQ(request.headers.get("x-id"), "1");
}

}  // namespace
}  // namespace tiphys::kubelet
