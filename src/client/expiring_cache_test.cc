#include "client/expiring_cache.h"

#include <gtest/gtest.h>

namespace tiphys::client {
namespace {

using std::chrono::seconds;

TEST(ExpiringCache, remembers_until_its_time) {
  ExpiringCache<int> cache(4);
  cache.put("a", 1, seconds(10));
  ASSERT_NE(cache.find("a", seconds(9)), nullptr);
  EXPECT_EQ(*cache.find("a", seconds(9)), 1);
  EXPECT_EQ(cache.find("a", seconds(10)), nullptr);
  EXPECT_EQ(cache.size(), 0u) << "what is over takes no room";
}

TEST(ExpiringCache, the_oldest_makes_room) {
  ExpiringCache<int> cache(2);
  cache.put("a", 1, seconds(10));
  cache.put("b", 2, seconds(10));
  cache.put("a", 3, seconds(10));
  cache.put("c", 4, seconds(10));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find("b", seconds(0)), nullptr);
  EXPECT_EQ(*cache.find("a", seconds(0)), 3);
}

TEST(ExpiringCache, no_room_remembers_nothing) {
  ExpiringCache<int> cache(0);
  cache.put("a", 1, seconds(10));
  EXPECT_EQ(cache.find("a", seconds(0)), nullptr);
}

}  // namespace
}  // namespace tiphys::client
