#include "proxy/service_health.h"

#include <gtest/gtest.h>

namespace tiphys::proxy {
namespace {

TEST(ServiceHealth, AnswersAsUpstream) {
  net::Response good = service_health_answer("default/web", 2, true);
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.headers.get("x-load-balancing-endpoint-weight"), "2");
  EXPECT_EQ(good.headers.get("content-type"), "application/json");
  EXPECT_EQ(*good.body,
            "{\n\t\"service\": {\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"web\"\n\t},\n"
            "\t\"localEndpoints\": 2,\n\t\"serviceProxyHealthy\": true\n}");
  EXPECT_EQ(service_health_answer("default/web", 0, true).status, 503);
  EXPECT_EQ(service_health_answer("default/web", 2, false).status, 503);
}

}  // namespace
}  // namespace tiphys::proxy
