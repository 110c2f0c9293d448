#include "controllers/cron_job_due.h"

#include <gtest/gtest.h>

namespace tiphys::controllers {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// The example of upstream's tests: the top of an hour on a Thursday.
const MicroTime kTop = *parse_rfc3339("2016-05-19T10:00:00Z");

MicroTime at(Duration after_top) {
  return kTop + std::chrono::duration_cast<std::chrono::microseconds>(after_top).count();
}

kinds::CronSchedule schedule(std::string_view text) {
  auto parsed = kinds::CronSchedule::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(kinds::CronSchedule());
}

CronDue due(std::string_view text, Duration since, Duration now) {
  return missed_starts(schedule(text), kinds::TimeZone(), at(since), at(now));
}

std::optional<Duration> next(std::string_view text, Duration since, Duration now) {
  return time_to_next_start(schedule(text), kinds::TimeZone(), at(since), at(now));
}

constexpr Duration kTop0{0};
constexpr Duration kPadding = std::chrono::milliseconds(100);

TEST(CronJobDue, NothingIsDueBeforeTheNextStart) {
  CronDue found = due("0 * * * *", kTop0, seconds(30));
  EXPECT_FALSE(found.latest);
  EXPECT_FALSE(found.missed);
  EXPECT_FALSE(found.too_many);
  EXPECT_FALSE(found.never);
  EXPECT_FALSE(due("*/5 * * * *", minutes(30), minutes(31)).latest);
  EXPECT_FALSE(due("*/5 * * * *", minutes(31), minutes(32)).latest);
}

TEST(CronJobDue, AStartIsDueFromItsVeryMomentOn) {
  EXPECT_FALSE(due("0 * * * *", kTop0, hours(1) - std::chrono::microseconds(1)).latest);
  EXPECT_EQ(due("0 * * * *", kTop0, hours(1)).latest, at(hours(1)));
  EXPECT_EQ(due("0 * * * *", kTop0, minutes(61)).latest, at(hours(1)));
}

TEST(CronJobDue, AStartAtTheMomentItCountsFromIsOver) {
  EXPECT_FALSE(due("0 * * * *", kTop0, kTop0).latest);
  EXPECT_FALSE(due("0 * * * *", hours(1), minutes(61)).latest);
}

TEST(CronJobDue, OfSeveralMissedTheLatestIsDue) {
  CronDue found = due("0 * * * *", seconds(10), minutes(301));
  EXPECT_EQ(found.latest, at(minutes(300)));
  EXPECT_TRUE(found.missed);
  EXPECT_FALSE(found.too_many);
}

TEST(CronJobDue, IrregularSchedulesAreFoundToo) {
  EXPECT_EQ(due("30 6-16/4 * * 1-5", minutes(30), hours(24) + minutes(31)).latest,
            at(hours(24) + minutes(30)));
  EXPECT_EQ(due("30 6-16/4 * * 1-5", minutes(30), hours(96) + minutes(31)).latest,
            at(hours(96) + minutes(30)));
  EXPECT_EQ(due("30 6-16/4 * * 1-5", kTop0, hours(24) + minutes(31)).latest,
            at(hours(24) + minutes(30)));
}

// An estimate by the first interval, an hour, puts the look behind the last start of the day.
TEST(CronJobDue, AnEstimateTooHighFindsNone) {
  CronDue found = due("30 10,11,12 * * 1-5", minutes(30), hours(30) + minutes(30));
  EXPECT_FALSE(found.latest);
  EXPECT_TRUE(found.missed);
  EXPECT_EQ(next("30 10,11,12 * * 1-5", minutes(30), hours(30) + minutes(30)),
            // Monday's first: the look was on Friday afternoon.
            hours(96) + minutes(30) - (hours(30) + minutes(30)) + kPadding);
}

TEST(CronJobDue, MoreThanAHundredAreTooMany) {
  EXPECT_FALSE(due("* * * * *", kTop0, minutes(100)).too_many);
  CronDue found = due("* * * * *", kTop0, minutes(101));
  EXPECT_TRUE(found.too_many);
  EXPECT_EQ(found.latest, at(minutes(101)));
}

TEST(CronJobDue, EveryCountsFromTheStartBefore) {
  CronDue found = due("@every 1h", minutes(1), hours(7 * 24));
  EXPECT_EQ(found.latest, at(hours(6 * 24 + 23) + minutes(1)));
  EXPECT_TRUE(found.too_many);
}

TEST(CronJobDue, AScheduleThatNeverComesRoundSaysSo) {
  CronDue found = due("59 23 31 2 *", seconds(10), hours(1));
  EXPECT_TRUE(found.never);
  EXPECT_FALSE(found.latest);
  EXPECT_FALSE(next("59 23 31 2 *", seconds(10), hours(1)));
}

TEST(CronJobDue, AClockBehindTheLastStartMakesNothingDue) {
  EXPECT_FALSE(due("* * * * *", hours(2), kTop0).latest);
  EXPECT_EQ(next("* * * * *", hours(2), kTop0), hours(2) + minutes(1) + kPadding);
}

TEST(CronJobDue, TheNextStartIsTheFirstAfterTheLatestDue) {
  EXPECT_EQ(next("0 * * * *", kTop0, seconds(30)), hours(1) - seconds(30) + kPadding);
  EXPECT_EQ(next("0 * * * *", kTop0, hours(1)), hours(1) + kPadding);
  EXPECT_EQ(next("0 * * * *", kTop0, minutes(301)), minutes(59) + kPadding);
  EXPECT_EQ(next("@every 1h", minutes(1), hours(5)), minutes(1) + kPadding);
}

}  // namespace
}  // namespace tiphys::controllers
