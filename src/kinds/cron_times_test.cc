#include "kinds/cron_times.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace tiphys::kinds {
namespace {

// A zoneinfo file of version 2 without transitions: all is in the rules at its end.
std::string zone_file(std::string_view rules) {
  auto block = [](std::string_view types) {
    std::string text = "TZif2" + std::string(15, '\0');
    for (char count : {0, 0, 0, 0, 1, 4}) text += std::string(3, '\0') + count;
    return text + std::string(types) + std::string("UTC\0", 4);
  };
  std::string utc(6, '\0');
  return block(utc) + block(utc) + "\n" + std::string(rules) + "\n";
}

TimeZone zone(std::string_view rules) {
  Result<TimeZone> parsed = TimeZone::parse(zone_file(rules));
  EXPECT_TRUE(parsed) << rules;
  return parsed ? *parsed : TimeZone();
}

const TimeZone kBerlin = zone("CET-1CEST,M3.5.0,M10.5.0/3");
const TimeZone kNewYork = zone("EST5EDT,M3.2.0,M11.1.0");
const TimeZone kSydney = zone("AEST-10AEDT,M10.1.0,M4.1.0/3");
const TimeZone kSaoPaulo = zone("<-03>3<-02>,M11.1.0/0,M2.3.0/0");

// The next `count` times after `from`, in local time of the zone.
std::vector<std::string> times(std::string_view text, std::string_view from, int count,
                               const TimeZone& in = TimeZone()) {
  std::vector<std::string> found;
  Result<CronSchedule> schedule = CronSchedule::parse(text);
  EXPECT_TRUE(schedule) << text;
  MicroTime at = *parse_rfc3339(from);
  for (int i = 0; i < count; ++i) {
    std::optional<MicroTime> next = next_time(*schedule, in, at);
    if (!next) {
      found.push_back("none");
      break;
    }
    at = *next;
    found.push_back(format_rfc3339_in(at, in));
  }
  return found;
}

using Times = std::vector<std::string>;

TEST(CronTimes, FindsTheNextMinuteHourDayAndMonth) {
  EXPECT_EQ(times("*/15 * * * *", "2026-07-09T14:45:00Z", 2),
            (Times{"2026-07-09T15:00:00Z", "2026-07-09T15:15:00Z"}));
  EXPECT_EQ(times("* * * * *", "2026-12-31T23:59:59.5Z", 1), (Times{"2027-01-01T00:00:00Z"}));
  EXPECT_EQ(times("20-35/15 9 * * *", "2026-07-09T23:35:51Z", 2),
            (Times{"2026-07-10T09:20:00Z", "2026-07-10T09:35:00Z"}));
  EXPECT_EQ(times("0 0 1,15 * mon", "2026-06-10T00:00:00Z", 3),
            (Times{"2026-06-15T00:00:00Z", "2026-06-22T00:00:00Z", "2026-06-29T00:00:00Z"}));
  EXPECT_EQ(times("0 0 * feb mon", "2026-07-09T14:45:00Z", 1), (Times{"2027-02-01T00:00:00Z"}));
  EXPECT_EQ(times("0 0 29 2 ?", "2025-01-01T00:00:00Z", 2),
            (Times{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}));
  EXPECT_EQ(times("@every 90m", "2026-07-09T14:45:00.7Z", 1), (Times{"2026-07-09T16:15:00Z"}));
}

TEST(CronTimes, SomeSchedulesNeverComeRound) {
  EXPECT_EQ(times("59 23 31 2 *", "2026-01-01T00:00:00Z", 1), (Times{"none"}));
  EXPECT_EQ(times(", * * * *", "2026-01-01T00:00:00Z", 1), (Times{"none"}));
}

TEST(CronTimes, AreLocal) {
  EXPECT_EQ(times("0 9 * * *", "2026-01-31T12:00:00Z", 1, kNewYork),
            (Times{"2026-01-31T09:00:00-05:00"}));
  EXPECT_EQ(times("0 9 * * *", "2026-07-31T15:00:00Z", 1, kNewYork),
            (Times{"2026-08-01T09:00:00-04:00"}));
  EXPECT_EQ(times("0 0 1 1 *", "2026-07-31T15:00:00Z", 1, kSydney),
            (Times{"2027-01-01T00:00:00+11:00"}));
}

TEST(CronTimes, SkipAnHourThatIsNotThere) {
  // 29 March 2026, 02:00 in Berlin: clocks show 03:00.
  EXPECT_EQ(times("30 2 * * *", "2026-03-28T02:00:00Z", 2, kBerlin),
            (Times{"2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00"}));
  EXPECT_EQ(times("30 * * * *", "2026-03-29T00:00:00Z", 2, kBerlin),
            (Times{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"}));
}

TEST(CronTimes, ComeTwiceInAnHourThatComesTwice) {
  EXPECT_EQ(times("30 1 * * *", "2026-11-01T04:00:00Z", 3, kNewYork),
            (Times{"2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00",
                   "2026-11-02T01:30:00-05:00"}));
}

// Clocks that go back by more than a day: the walk ends before it began.
TEST(CronTimes, NeverComeBeforeTheMomentAskedFor) {
  const TimeZone odd = zone("AAA-24BBB24,M3.5.0,M10.5.0/3");
  MicroTime after = *parse_rfc3339("2026-03-29T01:20:00Z");
  for (const char* text : {"30 2 29 3 *", "30 2 * * *", "*/5 * * * 0"}) {
    std::optional<MicroTime> next = next_time(*CronSchedule::parse(text), odd, after);
    EXPECT_TRUE(!next || *next > after) << text;
  }
}

TEST(CronTimes, StartADayWithoutMidnightWithItsFirstHour) {
  EXPECT_EQ(times("0 9 3 * *", "2026-10-17T09:00:00Z", 1, kSaoPaulo),
            (Times{"2026-11-03T09:00:00-02:00"}));
  EXPECT_EQ(times("30 1 * * *", "2026-10-31T12:00:00Z", 1, kSaoPaulo),
            (Times{"2026-11-01T01:30:00-02:00"}));
}

TEST(TimeZone, ReadsTransitionsAndRules) {
  std::ifstream in("/usr/share/zoneinfo/Europe/Berlin", std::ios::binary);
  if (!in) GTEST_SKIP() << "no zoneinfo here";
  std::stringstream bytes;
  bytes << in.rdbuf();
  Result<TimeZone> berlin = TimeZone::parse(bytes.str());
  ASSERT_TRUE(berlin);
  auto shown = [&](std::string_view time) {
    return format_rfc3339_in(*parse_rfc3339(time), *berlin);
  };
  EXPECT_EQ(shown("1980-04-05T23:00:00Z"), "1980-04-06T00:00:00+01:00");
  EXPECT_EQ(shown("1980-04-06T01:00:00Z"), "1980-04-06T03:00:00+02:00");
  EXPECT_EQ(shown("2026-07-01T00:00:00Z"), "2026-07-01T02:00:00+02:00");
  EXPECT_EQ(shown("2126-12-01T00:00:00Z"), "2126-12-01T01:00:00+01:00");
}

TEST(TimeZone, RefusesWhatIsMalformed) {
  std::string good = zone_file("CET-1");
  ASSERT_TRUE(TimeZone::parse(good));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(TimeZone::parse(good.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace tiphys::kinds
