#include "controllers/ttl_after_finished.h"

#include "base/time_math.h"
#include "controllers/resources.h"
#include "kinds/batch_v1.h"

namespace tiphys::controllers {

namespace {

// Positive: not yet.
std::optional<Duration> time_left(const ObjectPtr& job, MicroTime now) {
  std::optional<MicroTime> end = job ? job_expires_at(*job) : std::nullopt;
  if (!end) return std::nullopt;
  return time_between(now, *end);
}

}  // namespace

std::optional<MicroTime> job_expires_at(const Object& object) {
  batch_v1::Job job(object);
  bool wanted =
      job.spec().has_ttl_seconds_after_finished() && !job.metadata().has_deletion_timestamp();
  if (!wanted) return std::nullopt;
  for (batch_v1::JobCondition condition : job.status().conditions()) {
    bool end = condition.type() == "Complete" || condition.type() == "Failed";
    MicroTime time = condition.last_transition_time();
    if (!end || condition.status() != "True" || time == 0) continue;
    return time + job.spec().ttl_seconds_after_finished() * kMicrosPerSecond;
  }
  return std::nullopt;
}

TtlAfterFinished::TtlAfterFinished(Context context)
    : Controller(context, "ttl-after-finished-controller"), jobs_(watch(jobs())) {
  jobs_.add_handler([this](const ObjectPtr&, const ObjectPtr& now) {
    if (now && job_expires_at(*now)) enqueue(*now);
  });
}

Decision TtlAfterFinished::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  auto [ns, name] = client::split_key(key);
  ObjectPtr job = jobs_.get(ns, name);
  std::optional<Duration> left = time_left(job, now);
  if (!left) return decision;
  if (*left > Duration::zero()) {
    decision.look_again_in(*left);
    return decision;
  }
  Action action = delete_action(jobs(), job);
  action.propagation_policy = "Foreground";
  decision.add(std::move(action));
  return decision;
}

Task<Result<void>> TtlAfterFinished::sync(std::string key) {
  Decision decision = reconcile(key, context_.loop.wall());
  if (decision.look_again) enqueue_after(key, *decision.look_again);
  if (decision.actions.empty()) co_return Result<void>();
  auto [ns, name] = client::split_key(key);
  Result<ObjectPtr> fresh =
      co_await context_.client.get(jobs(), std::string(ns), std::string(name));
  if (!fresh && fresh.error().is_not_found()) co_return Result<void>();
  if (!fresh) co_return fresh.error();
  std::optional<Duration> left = time_left(*fresh, context_.loop.wall());
  if (!left) co_return Result<void>();
  if (*left > Duration::zero()) {
    enqueue_after(key, *left);
    co_return Result<void>();
  }
  decision.actions[0].object = *fresh;
  Result<void> done = co_await execute(key, std::move(decision.actions));
  co_return done;
}

void TtlAfterFinished::outcome(const std::string& key, const Action& action,
                               const ApiStatus* error) {
  std::optional<Duration> left = time_left(action.object, context_.loop.wall());
  if (error || !left) return;
  context_.metrics.job_deletion.get().observe(std::chrono::duration<double>(-*left).count());
}

}  // namespace tiphys::controllers
