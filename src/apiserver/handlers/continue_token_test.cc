#include "apiserver/handlers/continue_token.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

std::string problem(std::string_view json) {
  auto token = decode_continue(base64url_encode(json));
  return token ? "ok" : token.error().message();
}

constexpr std::string_view kInvalid = "invalid continue token: continue key is not valid";

TEST(ContinueToken, ComesBackAsItWent) {
  std::string text = encode_continue({42, std::string("ns/name\0", 8)});
  auto token = decode_continue(text);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->revision, 42);
  EXPECT_EQ(token->start, std::string("ns/name\0", 8));
}

TEST(ContinueToken, IsUpstreams) {
  // {"v":"meta.k8s.io/v1","rv":7,"start":"b\u0000"}
  EXPECT_EQ(encode_continue({7, std::string("b\0", 2)}),
            "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Nywic3RhcnQiOiJiXHUwMDAwIn0");
}

TEST(ContinueToken, ForgedOnesAreTurnedAway) {
  EXPECT_EQ(decode_continue("a.b").error().message(),
            std::string(kInvalid) + ": illegal base64 data at input byte 1");
  EXPECT_EQ(problem(R"({"v":"v9","rv":1,"start":"a"})"),
            std::string(kInvalid) + ": server does not recognize this encoded version v9");
  EXPECT_EQ(
      problem(R"({"v":"meta.k8s.io/v1","start":"a"})"),
      std::string(kInvalid) + ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  EXPECT_EQ(problem(R"({"v":"meta.k8s.io/v1","rv":1})"),
            std::string(kInvalid) + ": encoded start key empty (version meta.k8s.io/v1)");
  for (std::string key : {"../x", "a/../../x", "a//b", "./a", "a/", "//", "/../a"}) {
    EXPECT_EQ(problem(R"({"v":"meta.k8s.io/v1","rv":1,"start":")" + key + "\"}"),
              std::string(kInvalid) + ": " + key);
  }
  EXPECT_EQ(problem(R"({"v":"meta.k8s.io/v1","rv":-1,"start":"/a/b"})"), "ok");
  EXPECT_NE(problem("[]"), "ok");
}

}  // namespace
}  // namespace tiphys::apiserver
