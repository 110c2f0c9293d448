#include "kubelet/probes/grpc_health.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

TEST(GrpcHealth, TheRequestNamesTheService) {
  EXPECT_EQ(health_check_request(""), "");
  EXPECT_EQ(health_check_request("a"),
            "\x0a\x01"
            "a");
  EXPECT_EQ(health_check_request(std::string(200, 'a')), "\x0a\xc8\x01" + std::string(200, 'a'));
}

TEST(GrpcHealth, TheAnswerIsAStatus) {
  using namespace std::string_view_literals;
  EXPECT_EQ(health_check_status(""), "UNKNOWN");
  EXPECT_EQ(health_check_status("\x08\x01"), "SERVING");
  EXPECT_EQ(health_check_status("\x08\x02"), "NOT_SERVING");
  EXPECT_EQ(health_check_status("\x08\x03"), "SERVICE_UNKNOWN");
  EXPECT_EQ(health_check_status("\x08\x09"), "9");
  EXPECT_EQ(health_check_status("\x12\x03xyz\x08\x01"), "SERVING") << "a field of later versions";
  for (std::string_view bad : {"\x08"sv, "\x08\x80"sv, "\x12\x09x"sv, "\x0b"sv, "\x15\x01"sv}) {
    EXPECT_EQ(health_check_status(bad), std::nullopt);
  }
}

}  // namespace
}  // namespace tiphys::kubelet
