#include "kubelet/server/debug_handlers.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace tiphys::kubelet {
namespace {

std::string set(std::string_view method, const std::string& body) {
  net::Response answer = verbosity_answer(method, body);
  return std::to_string(answer.status) + " " + *answer.body;
}

TEST(DebugHandlers, the_verbosity_is_put) {
  int before = log_verbosity();
  EXPECT_EQ(set("PUT", "3"), "200 successfully set klog.logging.verbosity to 3");
  EXPECT_EQ(log_verbosity(), 3);
  EXPECT_EQ(set("GET", ""), "406 unsupported http method");
  for (const char* bad : {"", "x", "-1", "+1", "1 "}) {
    EXPECT_EQ(set("PUT", bad),
              "400 strconv.ParseUint: parsing \"" + std::string(bad) + "\": invalid syntax");
  }
  EXPECT_EQ(set("PUT", "99999999999"),
            "400 strconv.ParseUint: parsing \"99999999999\": value out of range");
  EXPECT_EQ(set("PUT", "4294967295"),
            "400 failed set klog.logging.verbosity 4294967295: strconv.ParseInt: parsing "
            "\"4294967295\": value out of range");
  EXPECT_EQ(log_verbosity(), 3);
  set_log_verbosity(before);
}

TEST(DebugHandlers, of_profiles_there_is_the_command_line) {
  EXPECT_NE(profile_answer("cmdline").body->find("kubelet_test"), std::string::npos);
  net::Response heap = profile_answer("heap");
  EXPECT_EQ(heap.status, 404);
  EXPECT_EQ(*heap.body, "Unknown profile\n");
}

}  // namespace
}  // namespace tiphys::kubelet
