#include "controllers/cron_job_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tiphys::controllers {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const MicroTime kNow = *parse_rfc3339("2016-05-19T10:00:30Z");

// What the API server refuses at creation may still be stored: an older version took it, or knew
// another time zone database.
class CronJobPlan : public testing::Test {
 protected:
  CronJobPlan() {
    batch_v1::CronJobEdit job(draft_);
    job.edit_metadata().set_name("job");
    job.edit_metadata().set_namespace("ns");
    job.edit_metadata().set_uid("u");
    job.edit_metadata().set_creation_timestamp(*parse_rfc3339("2016-05-19T09:30:00Z"));
    job.edit_spec().set_schedule("0 * * * *");
    job.edit_spec().set_concurrency_policy("Allow");
  }

  Decision plan() {
    CronJobWorld world;
    world.owner = draft_.freeze();
    world.job_named = [](std::string_view) { return ObjectPtr(); };
    world.jobs_reflect = [](std::string_view) { return true; };
    world.zone = [this](std::string_view name) -> Result<const kinds::TimeZone*> {
      if (name == "Local") return &utc_;
      return ApiStatus::bad_request("unknown time zone " + std::string(name));
    };
    return plan_cron_job(world, kNow);
  }
  // Reasons and messages of all that is only told.
  std::vector<std::string> notes() {
    std::vector<std::string> out;
    for (const Action& action : plan().actions) {
      if (action.verb == Action::Verb::kNote) {
        out.push_back(action.success->type + " " + action.success->reason + ": " +
                      action.success->message);
      }
    }
    return out;
  }
  bool starts() {
    return std::ranges::any_of(plan().actions,
                               [](const Action& action) { return action.tag == "start"; });
  }
  batch_v1::CronJobSpecEdit spec() { return batch_v1::CronJobEdit(draft_).edit_spec(); }

  Draft draft_ = batch_v1::CronJob::make();
  kinds::TimeZone utc_;
};

TEST_F(CronJobPlan, StartsWhatIsDueAndLooksAgainAtTheNext) {
  EXPECT_THAT(notes(), IsEmpty());
  EXPECT_TRUE(starts());
  EXPECT_EQ(plan().look_again, std::chrono::minutes(59) + std::chrono::milliseconds(30'100));
}

TEST_F(CronJobPlan, AnUnknownTimeZoneIsToldAndNothingStarts) {
  spec().set_time_zone("Mars/Olympus");
  EXPECT_THAT(notes(), ElementsAre("Warning UnknownTimeZone: invalid timeZone: \"Mars/Olympus\": "
                                   "unknown time zone Mars/Olympus"));
  EXPECT_FALSE(starts());
  EXPECT_FALSE(plan().look_again) << "its next change wakes it";
}

TEST_F(CronJobPlan, AnUnparseableScheduleIsToldAndNothingStarts) {
  spec().set_schedule("hourly");
  EXPECT_THAT(
      notes(),
      ElementsAre("Warning UnparseableSchedule: unparseable schedule: \"hourly\" : expected "
                  "exactly 5 fields, found 1: [hourly]"));
  EXPECT_FALSE(starts());
  EXPECT_FALSE(plan().look_again);
}

TEST_F(CronJobPlan, AZoneInTheScheduleIsToldButCounts) {
  spec().set_schedule("CRON_TZ=Local 0 * * * *");
  EXPECT_THAT(notes(),
              ElementsAre("Warning UnsupportedSchedule: CRON_TZ or TZ used in schedule "
                          "\"CRON_TZ=Local 0 * * * *\" is not officially supported, see "
                          "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ "
                          "for more details"));
  EXPECT_TRUE(starts());
}

TEST_F(CronJobPlan, ASuspendedOneIsOnlyLookedAtForItsZone) {
  spec().set_suspend(true);
  spec().set_schedule("hourly");
  EXPECT_THAT(notes(), IsEmpty());
  spec().set_time_zone("Mars/Olympus");
  EXPECT_EQ(notes().size(), 1u);
}

TEST_F(CronJobPlan, ADeadlineOfAllOfHistoryChangesNothing) {
  spec().set_starting_deadline_seconds(INT64_MAX);
  EXPECT_TRUE(starts());
  spec().set_starting_deadline_seconds(29);
  EXPECT_FALSE(starts());
  spec().set_starting_deadline_seconds(31);
  EXPECT_TRUE(starts());
}

}  // namespace
}  // namespace tiphys::controllers
