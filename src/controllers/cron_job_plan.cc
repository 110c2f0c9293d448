#include "controllers/cron_job_plan.h"

#include <algorithm>

#include "base/strings.h"
#include "client/object_key.h"
#include "controllers/cron_job_due.h"
#include "controllers/ownership.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

using client::metadata;

namespace {

// In this order, until something fails: what must be gone before a start, what is known by now,
// the start, and the clean-up.
enum Batch : int { kBefore, kStatus, kStatusNotes, kStart, kCleanUp };

// "Complete" or "Failed"; "" while it is not finished.
std::string_view finished_as(const Object& job) {
  for (batch_v1::JobCondition condition : batch_v1::Job(job).status().conditions()) {
    bool end = condition.type() == "Complete" || condition.type() == "Failed";
    if (end && condition.status() == "True") return condition.type();
  }
  return {};
}

std::string job_name(const Object& cron_job, MicroTime scheduled) {
  return std::string(metadata(cron_job).name()) + "-" +
         std::to_string(scheduled / kMicrosPerSecond / 60);
}

bool started_before(const ObjectPtr& a, const ObjectPtr& b) {
  batch_v1::JobStatus left = batch_v1::Job(*a).status();
  batch_v1::JobStatus right = batch_v1::Job(*b).status();
  if (left.has_start_time() != right.has_start_time()) return left.has_start_time();
  if (left.start_time() != right.start_time()) return left.start_time() < right.start_time();
  return metadata(*a).name() < metadata(*b).name();
}

class CronJobLook {
 public:
  CronJobLook(const CronJobWorld& world, MicroTime now)
      : world_(world),
        now_(now),
        cron_job_(*world.owner),
        spec_(cron_job_.spec()),
        last_(cron_job_.status().last_schedule_time()),
        last_successful_(cron_job_.status().last_successful_time()) {}

  Decision run() {
    for (core_v1::ObjectReference ref : cron_job_.status().active()) active_.push_back(ref);
    for (const ObjectPtr& job : world_.jobs) settle(job);
    drop_missing();
    last_ = std::max(last_, world_.memory.started);
    start_if_due();
    clean_up();
    write_status();
    return std::move(decision_);
  }

 private:
  void note(std::string type, std::string reason, std::string message, int batch = kBefore) {
    decision_.add(note_action(world_.owner, std::move(type), std::move(reason), std::move(message)))
        .batch = batch;
  }

  bool in_active(std::string_view uid) const {
    return std::ranges::any_of(active_, [&](const auto& ref) { return ref.uid() == uid; });
  }
  void drop_active(std::string_view uid) {
    std::erase_if(active_, [&](const auto& ref) { return ref.uid() == uid; });
  }

  void settle(const ObjectPtr& job) {
    std::string name(metadata(*job).name());
    std::string_view uid = metadata(*job).uid();
    std::string_view finished = finished_as(*job);
    std::optional<MicroTime> scheduled = scheduled_time(*world_.owner, *job);
    MicroTime known = cron_job_.status().last_schedule_time();
    bool active = in_active(uid);
    bool unseen = !active && scheduled && *scheduled > known;
    if (scheduled) last_ = std::max(last_, *scheduled);
    if (finished == "Complete") {
      last_successful_ = std::max(last_successful_, batch_v1::Job(*job).status().completion_time());
    }
    if (!finished.empty()) {
      if (!active && !unseen) return;
      drop_active(uid);
      note("Normal", "SawCompletedJob",
           "Saw completed job: " + name + ", condition: " + std::string(finished), kStatusNotes);
    } else if (!active && !is_deleting(*job) && scheduled && *scheduled >= known) {
      started_.push_back(job);
    } else if (!active) {
      note("Warning", "UnexpectedJob",
           "Saw a job that the controller did not create or forgot: " + name);
    }
  }

  // Jobs of the status that are not there any more.
  void drop_missing() {
    auto gone = [this](const core_v1::ObjectReference& ref) {
      ObjectPtr there = world_.job_named(ref.name());
      if (there && metadata(*there).uid() == ref.uid()) return false;
      if (world_.memory.removed.contains(std::string(ref.uid()))) return true;
      if (!world_.jobs_reflect(ref.resource_version())) return false;
      note("Normal", "MissingJob", "Active job went missing: " + std::string(ref.name()),
           kStatusNotes);
      return true;
    };
    std::erase_if(active_, gone);
  }

  void start_if_due() {
    if (is_deleting(*world_.owner)) return;
    if (spec_.has_time_zone()) {
      auto zone = world_.zone(spec_.time_zone());
      if (!zone) {
        note("Warning", "UnknownTimeZone",
             "invalid timeZone: " + go_quote(spec_.time_zone()) + ": " + zone.error().message());
        return;
      }
    }
    if (spec_.suspend()) return;
    std::string schedule = go_quote(spec_.schedule());
    if (schedule.find("TZ") != std::string::npos) {
      note("Warning", "UnsupportedSchedule",
           "CRON_TZ or TZ used in schedule " + schedule +
               " is not officially supported, see "
               "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more "
               "details");
    }
    Result<CronTiming> timing = timing_of(cron_job_, world_.zone);
    if (!timing) {
      note("Warning", "UnparseableSchedule",
           "unparseable schedule: " + schedule + " : " + timing.error().message());
      return;
    }
    if (last_ > 0) timing->since = last_;
    start_by(*timing);
  }

  void start_by(const CronTiming& timing) {
    MicroTime since = timing.since;
    if (spec_.has_starting_deadline_seconds()) {
      // Deadlines of more than all of history change nothing.
      constexpr int64_t kLongest = INT64_MAX / kMicrosPerSecond / 2;
      int64_t deadline = std::min(spec_.starting_deadline_seconds(), kLongest);
      since = std::max(since, now_ - deadline * kMicrosPerSecond);
    }
    // Nothing before the deadline is found, so upstream's MissSchedule can't happen, as there.
    CronDue due = missed_starts(timing.schedule, *timing.zone, since, now_);
    if (due.never) {
      note("Warning", "InvalidSchedule",
           "invalid schedule: " + std::string(spec_.schedule()) +
               " : time difference between two schedules is less than 1 second");
      return;
    }
    std::optional<Duration> next =
        time_to_next_start(timing.schedule, *timing.zone, timing.since, now_);
    if (next) decision_.look_again_in(*next);
    if (!due.latest) return;
    if (due.too_many) {
      note("Warning", "TooManyMissedTimes",
           "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
           "clock skew");
    }
    start(*due.latest);
  }

  void start(MicroTime scheduled) {
    if (world_.job_named(job_name(*world_.owner, scheduled)) || last_ == scheduled) return;
    bool running = !active_.empty() || !started_.empty();
    if (running && spec_.concurrency_policy() == "Forbid") {
      note("Normal", "JobAlreadyActive",
           "Not starting job because prior execution is running and concurrency policy is Forbid");
      return;
    }
    if (running && spec_.concurrency_policy() == "Replace") remove_active();
    Action action = create_action(jobs(), make_job(scheduled));
    action.batch = kStart;
    action.exists_is_fine = true;
    action.tag = "start";
    action.success = Note{world_.owner, "Normal", "SuccessfulCreate", "Created job "};
    action.failure = Note{world_.owner, "Warning", "FailedCreate", "Error creating job: "};
    decision_.add(std::move(action));
  }

  ObjectPtr make_job(MicroTime scheduled) const {
    batch_v1::JobTemplateSpec from = spec_.job_template();
    Draft draft = batch_v1::Job::make();
    batch_v1::JobEdit job(draft);
    meta_v1::ObjectMetaEdit meta = job.edit_metadata();
    meta.set_name(job_name(*world_.owner, scheduled));
    meta.set_namespace(metadata(*world_.owner).namespace_());
    for (auto [key, value] : from.metadata().labels()) meta.edit_labels().set(key, value);
    for (auto [key, value] : from.metadata().annotations()) meta.edit_annotations().set(key, value);
    auto zone = world_.zone(spec_.time_zone());
    meta.edit_annotations().set(
        kScheduledTimestamp,
        kinds::format_rfc3339_in(scheduled, zone ? **zone : kinds::TimeZone()));
    set_controller(draft, *world_.owner);
    job.set_spec(from.spec());
    return draft.freeze();
  }

  void remove(const ObjectPtr& job, Batch batch) {
    Action action = delete_action(jobs(), job);
    action.batch = batch;
    action.propagation_policy = "Background";
    action.tag = "remove";
    action.success = Note{world_.owner, "Normal", "SuccessfulDelete", "Deleted job "};
    action.failure = Note{world_.owner, "Warning", "FailedDelete", "Deleted job: "};
    decision_.add(std::move(action));
  }

  void remove_active() {
    for (const core_v1::ObjectReference& ref : active_) {
      ObjectPtr job = world_.job_named(ref.name());
      if (job && metadata(*job).uid() == ref.uid()) remove(job, kBefore);
    }
    for (const ObjectPtr& job : started_) remove(job, kBefore);
    active_.clear();
    started_.clear();
  }

  void clean_up() {
    std::vector<ObjectPtr> complete;
    std::vector<ObjectPtr> failed;
    for (const ObjectPtr& job : world_.jobs) {
      std::string_view finished = finished_as(*job);
      if (finished.empty() || is_deleting(*job)) continue;
      (finished == "Complete" ? complete : failed).push_back(job);
    }
    if (spec_.has_successful_jobs_history_limit()) {
      remove_oldest(complete, spec_.successful_jobs_history_limit());
    }
    if (spec_.has_failed_jobs_history_limit()) {
      remove_oldest(failed, spec_.failed_jobs_history_limit());
    }
  }

  void remove_oldest(std::vector<ObjectPtr>& finished, int32_t limit) {
    std::ranges::sort(finished, started_before);
    auto count = static_cast<int64_t>(finished.size()) - limit;
    for (int64_t i = 0; i < count; ++i) remove(finished[static_cast<size_t>(i)], kCleanUp);
  }

  void write_status() {
    Draft draft(*world_.owner);
    batch_v1::CronJobStatusEdit status = batch_v1::CronJobEdit(draft).edit_status();
    status.clear_active();
    for (const core_v1::ObjectReference& ref : active_) status.edit_active().append(ref);
    for (const ObjectPtr& job : started_) {
      core_v1::ObjectReferenceEdit ref = status.edit_active().append();
      ref.set_kind("Job");
      ref.set_api_version("batch/v1");
      ref.set_namespace(metadata(*job).namespace_());
      ref.set_name(metadata(*job).name());
      ref.set_uid(metadata(*job).uid());
      ref.set_resource_version(metadata(*job).resource_version());
    }
    if (last_ != 0) status.set_last_schedule_time(last_);
    if (last_successful_ != 0) status.set_last_successful_time(last_successful_);
    if (equal(status.view(), cron_job_.status())) return;
    decision_.add(update_action(cron_jobs(), draft.freeze(), "status")).batch = kStatus;
  }

  const CronJobWorld& world_;
  MicroTime now_;
  batch_v1::CronJob cron_job_;
  batch_v1::CronJobSpec spec_;
  std::vector<core_v1::ObjectReference> active_;  // of the status, without what is over
  std::vector<ObjectPtr> started_;                // that belong there
  MicroTime last_;
  MicroTime last_successful_;
  Decision decision_;
};

}  // namespace

std::optional<MicroTime> scheduled_time(const Object& cron_job, const Object& job) {
  Result<MicroTime> time = parse_rfc3339(metadata(job).annotations().find(kScheduledTimestamp));
  if (!time || metadata(job).name() != job_name(cron_job, *time)) return std::nullopt;
  return *time;
}

Result<CronTiming> timing_of(
    const batch_v1::CronJob& cron_job,
    const std::function<Result<const kinds::TimeZone*>(std::string_view name)>& zones) {
  TIPHYS_TRY(kinds::CronSchedule, schedule, kinds::CronSchedule::parse(cron_job.spec().schedule()));
  std::string_view name = "Local";
  if (cron_job.spec().has_time_zone()) name = cron_job.spec().time_zone();
  if (!schedule.time_zone.empty()) name = schedule.time_zone;
  TIPHYS_TRY(const kinds::TimeZone*, zone, zones(name));
  MicroTime since = cron_job.status().has_last_schedule_time()
                        ? cron_job.status().last_schedule_time()
                        : cron_job.metadata().creation_timestamp();
  return CronTiming{.schedule = std::move(schedule), .zone = zone, .since = since};
}

Decision plan_cron_job(const CronJobWorld& world, MicroTime now) {
  return CronJobLook(world, now).run();
}

}  // namespace tiphys::controllers
