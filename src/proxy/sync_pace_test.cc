#include "proxy/sync_pace.h"

#include <gtest/gtest.h>

namespace tiphys::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonoTime at(Duration time) { return MonoTime() + time; }

TEST(SyncPace, TheNextBeginsNotBeforeTheLeastTimeIsOver) {
  SyncPace pace(milliseconds(10), Rest::kNone);
  EXPECT_LE(pace.next(), at(seconds(0)));
  pace.begin(at(seconds(5)));
  EXPECT_EQ(pace.next(), at(milliseconds(5010)));
  pace.end(at(seconds(9)));
  EXPECT_EQ(pace.next(), at(milliseconds(5010)));
}

TEST(SyncPace, WhatTookLongRestsLonger) {
  SyncPace pace(milliseconds(10), Rest::kByCost);
  pace.begin(at(seconds(5)));
  pace.end(at(milliseconds(5001)));
  EXPECT_EQ(pace.next(), at(milliseconds(5010)));
  pace.begin(at(seconds(6)));
  pace.end(at(milliseconds(6100)));
  EXPECT_EQ(pace.next(), at(milliseconds(6200)));
  pace.begin(at(seconds(7)));
  pace.end(at(seconds(12)));
  EXPECT_EQ(pace.next(), at(seconds(13)));
  SyncPace slow(seconds(30), Rest::kByCost);
  slow.begin(at(seconds(5)));
  slow.end(at(seconds(6)));
  EXPECT_EQ(slow.next(), at(seconds(35)));
}

}  // namespace
}  // namespace tiphys::proxy
