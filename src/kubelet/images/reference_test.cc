#include "kubelet/images/reference.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

std::string full(std::string_view name) {
  Result<ImageReference> r = parse_image_reference(name);
  return r ? r->text() : "error";
}

TEST(ImageReference, ShortNamesGrow) {
  EXPECT_EQ(full("nginx"), "docker.io/library/nginx:latest");
  EXPECT_EQ(full("nginx:1.7.9"), "docker.io/library/nginx:1.7.9");
  EXPECT_EQ(full("a/b:v1"), "docker.io/a/b:v1");
  EXPECT_EQ(full("localhost:5000/x"), "localhost:5000/x:latest");
  EXPECT_EQ(full("registry.k8s.io/pause:3.10"), "registry.k8s.io/pause:3.10");
  std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(full("x@" + digest), "docker.io/library/x@" + digest);
  EXPECT_EQ(full("[::1]:5000/x:y"), "[::1]:5000/x:y");
}

TEST(ImageReference, BadNamesAreRefused) {
  for (const char* bad : {"", ":", "/", "a/", "/a", "a//b", "Nginx", "a:", "a:b:c", "a b",
                          "a@sha256:zz", "-a", "a_", "a___b", "a..b", "http://a/b", "a:-x", "x@"}) {
    EXPECT_EQ(full(bad), "error") << bad;
  }
  EXPECT_EQ(full(std::string(300, 'a')), "error");
  EXPECT_NE(parse_image_reference("Nginx").error().message().find("must be lowercase"),
            std::string::npos);
}

}  // namespace
}  // namespace tiphys::kubelet
