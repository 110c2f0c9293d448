#include "base/hashed_map.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace tiphys {
namespace {

TEST(HashedMap, BothSidesAgree) {
  HashedMap<int> map;
  std::map<std::string, int> plain;
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string key = "/registry/pods/default/pod-" + std::to_string(random.below(300));
    switch (random.below(4)) {
      case 0:
        map.erase(key);
        plain.erase(key);
        break;
      case 1:
        EXPECT_EQ(map.try_emplace(key).second, plain.try_emplace(key).second);
        break;
      case 2:
        map.put(key, i);
        plain[key] = i;
        break;
      default: {
        auto found = plain.find(key);
        const int* value = map.find(key);
        ASSERT_EQ(value != nullptr, found != plain.end());
        if (value) EXPECT_EQ(*value, found->second);
      }
    }
    ASSERT_EQ(map.size(), plain.size());
  }
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), map.ordered().begin(), map.ordered().end()));
}

TEST(HashedMap, MovesWithItsKeys) {
  HashedMap<int> map;
  for (int i = 0; i < 100; ++i) map.put("k" + std::to_string(i), i);
  const int* before = map.find("k7");
  HashedMap<int> moved = std::exchange(map, {});
  EXPECT_EQ(moved.find("k7"), before);
  EXPECT_EQ(map.size(), 0U);
  EXPECT_EQ(map.find("k7"), nullptr);
  map.put("k7", 1);
  EXPECT_EQ(*moved.find("k7"), 7);
  moved.clear();
  EXPECT_EQ(moved.find("k7"), nullptr);
}

}  // namespace
}  // namespace tiphys
