#include "kubelet/images/image_ages.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kMinute = 60 * kMicrosPerSecond;
constexpr MicroTime kStart = 1000 * kMinute;
using Ids = std::vector<std::string>;

ImageRecord image(const std::string& id, bool pinned = false) {
  return {.id = id, .names = {}, .size_bytes = 10, .user = {}, .pinned = pinned};
}

TEST(ImageAges, WhatIsUsedPinnedOrNewStays) {
  ImageAges ages;
  ages.observe({image("a"), image("b"), image("c", true)}, {"b"}, kStart);
  EXPECT_EQ(ages.removable(2 * kMinute, kStart), Ids{"a"}) << "it was there before";
  MicroTime later = kStart + kMinute;
  ages.observe({image("a"), image("b"), image("new")}, {}, later);
  EXPECT_EQ(ages.removable(2 * kMinute, later), (Ids{"a", "b"})) << "the longest unused first";
  EXPECT_EQ(ages.removable(2 * kMinute, later + 2 * kMinute), (Ids{"a", "new", "b"}));
  EXPECT_EQ(ages.size_of("a"), 10);
  ages.forget("a");
  EXPECT_EQ(ages.removable(0, later), (Ids{"new", "b"}));
}

TEST(ImageAges, TooLongUnused) {
  ImageAges ages;
  ages.observe({image("a"), image("b")}, {"b"}, kStart);
  EXPECT_TRUE(ages.expired(10 * kMinute, kStart).empty()) << "nobody looked before";
  MicroTime later = kStart + 11 * kMinute;
  ages.observe({image("a"), image("b")}, {"b"}, later);
  EXPECT_EQ(ages.expired(10 * kMinute, later), Ids{"a"});
  EXPECT_TRUE(ages.expired(0, later).empty()) << "0: never";
}

TEST(ImageAges, BytesBetweenTheThresholds) {
  EXPECT_EQ(image_bytes_to_free(1000, 160, 85, 80), 0);
  EXPECT_EQ(image_bytes_to_free(1000, 150, 85, 80), 50);
  EXPECT_EQ(image_bytes_to_free(1000, 0, 85, 80), 200);
  EXPECT_EQ(image_bytes_to_free(1000, 2000, 85, 80), 0);
  EXPECT_EQ(image_bytes_to_free(0, 0, 85, 80), 0);
}

}  // namespace
}  // namespace tiphys::kubelet
