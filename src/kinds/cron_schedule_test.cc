#include "kinds/cron_schedule.h"

#include <gtest/gtest.h>

#include "kinds/time_zones.h"

namespace tiphys::kinds {
namespace {

std::string problem(std::string_view text) {
  Result<CronSchedule> schedule = CronSchedule::parse(text);
  return schedule ? "" : schedule.error().message();
}

TEST(CronSchedule, ReadsFieldsNamesRangesAndSteps) {
  Result<CronSchedule> schedule = CronSchedule::parse("0-30/15 1,23 * JAN-Mar mon");
  ASSERT_TRUE(schedule);
  EXPECT_EQ(schedule->minutes, (1ull << 0) | (1ull << 15) | (1ull << 30));
  EXPECT_EQ(schedule->hours, (1ull << 1) | (1ull << 23));
  EXPECT_EQ(schedule->months, 0b1110u);
  EXPECT_EQ(schedule->days_of_week, 0b10u);
  EXPECT_TRUE(schedule->any_day_of_month);
  EXPECT_FALSE(schedule->any_day_of_week);
  schedule = CronSchedule::parse("50/4 * ? * *");
  ASSERT_TRUE(schedule);
  EXPECT_EQ(schedule->minutes, (1ull << 50) | (1ull << 54) | (1ull << 58));
}

TEST(CronSchedule, ReadsDescriptors) {
  EXPECT_EQ(CronSchedule::parse("@hourly")->minutes, 1u);
  EXPECT_EQ(CronSchedule::parse("@every 1h30m")->every, std::chrono::minutes(90));
  EXPECT_EQ(CronSchedule::parse("@every 1ms")->every, std::chrono::seconds(1));
  EXPECT_EQ(CronSchedule::parse("TZ=Europe/Berlin @daily")->time_zone, "Europe/Berlin");
}

TEST(CronSchedule, SaysWhatIsWrong) {
  struct Case {
    std::string_view text;
    std::string_view message;
  };
  constexpr Case kCases[] = {
      {"", "empty spec string"},
      {"nope", "expected exactly 5 fields, found 1: [nope]"},
      {"* * *", "expected exactly 5 fields, found 3: [* * *]"},
      {"61 * * * *", "end of range (61) above maximum (59): 61"},
      {"* * 0 * *", "beginning of range (0) below minimum (1): 0"},
      {"5-2 * * * *", "beginning of range (5) beyond end of range (2): 5-2"},
      {"1-2-3 * * * *", "too many hyphens: 1-2-3"},
      {"*/2/3 * * * *", "too many slashes: */2/3"},
      {"*/0 * * * *", "step of range should be a positive number: */0"},
      {"x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"},
      {"* * * FOO *",
       "failed to parse int from FOO: strconv.Atoi: parsing \"FOO\": invalid syntax"},
      {"99999999999999999999 * * * *",
       "failed to parse int from 99999999999999999999: strconv.Atoi: parsing "
       "\"99999999999999999999\": value out of range"},
      {"@never", "unrecognized descriptor: @never"},
      {"TZ=Nowhere 1 * * * *", "provided bad location Nowhere: unknown time zone Nowhere"},
      {"TZ=UTC", "invalid schedule format: runtime error: slice bounds out of range [:-1]"},
  };
  for (const Case& c : kCases) EXPECT_EQ(problem(c.text), c.message) << c.text;
}

TEST(TimeZones, KnowsIanaNames) {
  for (std::string_view name : {"", "UTC", "Local", "Europe/Berlin", "America/Argentina/Ushuaia",
                                "Asia/Kolkata", "Etc/GMT+5", "Zulu"}) {
    EXPECT_TRUE(is_time_zone(name)) << name;
  }
  for (std::string_view name :
       {"europe/berlin", "Europe", "Europe/Berlin ", "Nowhere", "UTC Zulu"}) {
    EXPECT_FALSE(is_time_zone(name)) << name;
  }
}

}  // namespace
}  // namespace tiphys::kinds
