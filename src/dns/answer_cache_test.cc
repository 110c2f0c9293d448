#include "dns/answer_cache.h"

#include <gtest/gtest.h>

namespace tiphys::dns {
namespace {

constexpr auto kSecond = std::chrono::seconds(1);

UpstreamAnswer answer(uint32_t ttl, size_t bytes = 100) {
  return {.message = std::string(bytes, 'x'), .ttl_offsets = {}, .ttl = ttl};
}

TEST(AnswerCache, AnAnswerLivesAsLongAsItsRecords) {
  AnswerCache cache;
  MonoTime now{};
  cache.put("a", answer(5), now);
  EXPECT_TRUE(cache.find("a", now + 4 * kSecond));
  EXPECT_FALSE(cache.find("a", now + 5 * kSecond));
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_FALSE(cache.find("b", now));
}

TEST(AnswerCache, WhatMayNotBeKeptTakesThePlaceOfWhatWas) {
  AnswerCache cache;
  cache.put("a", answer(5), {});
  cache.put("a", answer(0), {});
  EXPECT_FALSE(cache.find("a", {}));
  cache.put("a", answer(5, kMaxCachedAnswerBytes), {});
  EXPECT_TRUE(cache.find("a", {}));
  cache.put("a", answer(5, kMaxCachedAnswerBytes + 1), {});
  EXPECT_FALSE(cache.find("a", {}));
}

// Somebody who asks for names without end: the cache stays within its bounds, and what others use
// stays in it.
TEST(AnswerCache, IsBoundedInAnswersAndInBytes) {
  AnswerCache cache;
  cache.put("used", answer(3600), {});
  for (size_t i = 0; i < kMaxCachedAnswers + 500; ++i) {
    cache.put(std::to_string(i), answer(3600), {});
    EXPECT_TRUE(cache.find("used", {}));
  }
  EXPECT_EQ(cache.size(), kMaxCachedAnswers);
  EXPECT_FALSE(cache.find("0", {}));
  for (size_t i = 0; i < 2000; ++i) {
    cache.put("long-" + std::to_string(i), answer(3600, kMaxCachedAnswerBytes), {});
    EXPECT_LE(cache.bytes(), kMaxCachedBytes);
  }
  EXPECT_TRUE(cache.find("long-1999", {}));
}

}  // namespace
}  // namespace tiphys::dns
