#include "controllers/cron_job.h"

#include "base/strings.h"
#include "controllers/cron_job_due.h"
#include "controllers/ownership.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

bool same_schedule(const Object& a, const Object& b) {
  batch_v1::CronJobSpec one = batch_v1::CronJob(a).spec();
  batch_v1::CronJobSpec other = batch_v1::CronJob(b).spec();
  return one.schedule() == other.schedule() && one.has_time_zone() == other.has_time_zone() &&
         one.time_zone() == other.time_zone();
}

}  // namespace

CronJobController::CronJobController(Context context, std::string local_zone_file)
    : Controller(context, "cronjob-controller"),
      cron_jobs_(watch(cron_jobs())),
      jobs_(watch(jobs())),
      zones_(std::move(local_zone_file)) {
  jobs_.add_index(std::string(kByController), controller_index_keys);
  cron_jobs_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { cron_job_changed(old, now); });
  jobs_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) enqueue_owner_of(*old);
    if (now) enqueue_owner_of(*now);
  });
}

// A new schedule counts from now on: starts that it would have had before are not made up for.
void CronJobController::cron_job_changed(const ObjectPtr& old, const ObjectPtr& now) {
  if (old && now && !same_schedule(*old, *now)) {
    batch_v1::CronJob cron_job(*now);
    auto timing = timing_of(cron_job, [this](std::string_view name) { return zones_.find(name); });
    std::optional<Duration> next;
    if (timing) {
      next =
          time_to_next_start(timing->schedule, *timing->zone, timing->since, context_.loop.wall());
    }
    if (next) {
      enqueue_after(client::object_key(*now), *next);
      return;
    }
  }
  enqueue(now ? *now : *old);
}

void CronJobController::enqueue_owner_of(const Object& job) {
  std::optional<meta_v1::OwnerReference> owner = controller_of(job);
  if (!owner || owner->kind() != cron_jobs().kind) return;
  ObjectPtr known = cron_jobs_.get(metadata(job).namespace_(), owner->name());
  if (known && metadata(*known).uid() == owner->uid()) enqueue(*known);
}

CronJobMemory& CronJobController::memory_of(const std::string& key, const Object& owner) {
  CronJobMemory& memory = memory_[key];
  if (memory.uid != metadata(owner).uid()) memory = {.uid = std::string(metadata(owner).uid())};
  return memory;
}

CronJobWorld CronJobController::world_of(const std::string& key, const ObjectPtr& owner) {
  CronJobWorld world;
  world.owner = owner;
  world.jobs = jobs_.by_index(kByController, metadata(*owner).uid());
  world.memory = memory_of(key, *owner);
  world.job_named = [this, owner](std::string_view name) {
    return jobs_.get(metadata(*owner).namespace_(), name);
  };
  world.jobs_reflect = [this](std::string_view version) {
    std::optional<int64_t> wanted = parse_int(version);
    std::optional<int64_t> there = parse_int(jobs_.resource_version());
    return !wanted || !there || *there >= *wanted;
  };
  world.zone = [this](std::string_view name) { return zones_.find(name); };
  return world;
}

Decision CronJobController::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr owner = cron_jobs_.get(ns, name);
  if (!owner) {
    memory_.erase(key);
    return {};
  }
  CronJobMemory& memory = memory_of(key, *owner);
  batch_v1::CronJobStatus status = batch_v1::CronJob(*owner).status();
  std::erase_if(memory.removed, [&](const std::string& uid) {
    return std::ranges::none_of(status.active(), [&](auto ref) { return ref.uid() == uid; });
  });
  return plan_cron_job(world_of(key, owner), now);
}

void CronJobController::outcome(const std::string& key, const Action& action,
                                const ApiStatus* error) {
  auto memory = memory_.find(key);
  if (error || memory == memory_.end()) return;
  if (action.tag == "remove") {
    memory->second.removed.insert(std::string(metadata(*action.object).uid()));
  } else if (action.tag == "start") {
    Result<MicroTime> time =
        parse_rfc3339(metadata(*action.object).annotations().find(kScheduledTimestamp));
    if (!time) return;
    memory->second.started = std::max(memory->second.started, *time);
    double skew = static_cast<double>(context_.loop.wall() - *time) / kMicrosPerSecond;
    context_.metrics.cron_job_skew.get().observe(skew);
  }
}

}  // namespace tiphys::controllers
