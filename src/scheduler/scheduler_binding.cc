// What follows when a node is chosen: volumes, binding, and the way back when either fails.
#include "base/log.h"
#include "scheduler/plugins/plugins.h"
#include "scheduler/scheduler_impl.h"
#include "scheduler/status_patch.h"
#include "scheduler/volume_matching.h"

namespace tiphys::scheduler {
namespace {

constexpr Duration kLookAgain = std::chrono::seconds(1);
constexpr std::string_view kBindFailed = "running Bind plugin \"DefaultBinder\": ";
constexpr std::string_view kPreBindFailed = "running PreBind plugin \"VolumeBinding\": ";

// The server said no: nothing was done.
bool was_refused(const ApiStatus& error) { return error.code() >= 400 && error.code() < 500; }

// What has to happen to the pod's claims before it is bound; empty: nothing.
VolumePlan plan_volumes(const PodInfo& pod, const Snapshot& snapshot, const NodeInfo& node,
                        const Profile& profile) {
  if (pod.claims.empty()) return {};
  const auto& filters = profile.filters;
  bool binds = std::find(filters.begin(), filters.end(), &kVolumeBinding) != filters.end();
  return binds ? ClaimMatcher(pod, snapshot.volumes()).plan(node) : VolumePlan{};
}

}  // namespace

void Scheduler::Impl::place(const PodPtr& pod, const Decision& decision, MonoTime started) {
  std::string node = decision.node->name;
  Snapshot& snapshot = cluster.cache().snapshot();
  VolumePlan volumes = plan_volumes(*pod, snapshot, *decision.node, profile_of(*pod));
  std::string nominated = cluster.cache().nominated_node(pod->uid);
  cluster.cache().assume(pod, node);
  if (!nominated.empty() && nominated != node) cluster.note_node(nominated);
  cluster.queue().placed(pod->uid, loop.mono());
  LOG_V(3, "Attempting to bind pod to node", {"pod", pod->key}, {"node", node},
        {"evaluatedNodes", decision.evaluated}, {"feasibleNodes", decision.feasible});
  if (volumes.empty()) {
    bindings.spawn(bind(pod, std::move(node), started));
    return;
  }
  snapshot.volumes().assume(volumes);
  bindings.spawn(bind_volumes(pod, std::move(volumes), started));
}

Task<void> Scheduler::Impl::patch_status(std::string ns, std::string name, std::string body) {
  Result<ObjectPtr> patched = co_await client.patch(pod_resource(), ns, name,
                                                    client::PatchType::kStrategic, body, "status");
  if (!patched && !patched.error().is_not_found()) {
    LOG_WARNING("Can't update a pod's status", {"pod", ns + "/" + name}, {"err", patched.error()});
  }
  room.set();
}

Task<void> Scheduler::Impl::bind(PodPtr pod, std::string node, MonoTime started) {
  MonoTime asked = loop.mono();
  Result<bool> bound = co_await extenders.bind(pod, node);
  std::string_view step;
  if (bound && !*bound) {
    step = kBindFailed;
    bound = co_await default_bind(pod, node);
  }
  room.set();
  work.set();
  metrics.extension_point("Bind", bound ? "Success" : "Error", pod->scheduler_name,
                          loop.mono() - asked);
  if (!bound) {
    metrics.attempt("error", pod->scheduler_name, loop.mono() - started);
    bind_failed(pod, node, step, bound.error());
    co_return;
  }
  ++counters.scheduled;
  note_bound(pod, started);
  cluster.queue().done(pod->uid, loop.mono());
  recorder_of(*pod).record(*pod->object, "Normal", "Scheduled",
                           "Successfully assigned " + pod->key + " to " + node);
}

Task<Result<bool>> Scheduler::Impl::default_bind(PodPtr pod, std::string node) {
  Result<ObjectPtr> bound = co_await client.create_subresource(pod_resource(), std::string(pod->ns),
                                                               std::string(pod->name), "binding",
                                                               binding_object(*pod, node));
  if (!bound && !was_refused(bound.error())) bound = co_await look_again(pod, bound.error());
  if (!bound) co_return bound.error();
  co_return true;
}

// After an answer that leaves open whether the pod was bound: its room is kept until that is known.
Task<Result<ObjectPtr>> Scheduler::Impl::look_again(PodPtr pod, ApiStatus error) {
  while (!stop.stop_requested()) {
    Result<ObjectPtr> found =
        co_await client.get(pod_resource(), std::string(pod->ns), std::string(pod->name));
    if (found) {
      core_v1::Pod present(**found);
      bool ours = present.metadata().uid() == pod->uid;
      if (ours && !present.spec().node_name().empty()) co_return *found;
      co_return error;
    }
    if (was_refused(found.error())) co_return found.error();
    co_await sleep_for(loop, kLookAgain, stop.token());
  }
  co_return error;
}

// The informers may have been faster: then the queue has forgotten the pod's tries.
void Scheduler::Impl::note_bound(const PodPtr& pod, MonoTime started) {
  metrics.attempt("scheduled", pod->scheduler_name, loop.mono() - started);
  metrics.forget(pod->uid);
  SchedulingQueue::Tries tries = cluster.queue().tries(pod->uid);
  if (tries.attempts == 0) tries = {1, started};
  metrics.scheduled(tries.attempts, loop.mono() - tries.since);
}

Task<void> Scheduler::Impl::bind_volumes(PodPtr pod, VolumePlan plan, MonoTime started) {
  Result<VolumePlan> written = co_await volume_binder.write(plan);
  room.set();
  if (written) {
    volume_waits.spawn(wait_for_volumes(pod, std::move(*written), started));
    co_return;
  }
  volumes_failed(pod, plan, written.error(), started);
}

Task<void> Scheduler::Impl::wait_for_volumes(PodPtr pod, VolumePlan plan, MonoTime started) {
  Duration timeout = profile_of(*pod).args.bind_timeout;
  MonoTime asked = loop.mono();
  Result<void> bound = co_await volume_binder.wait(pod, plan, timeout, stop.token());
  metrics.extension_point("PreBind", bound ? "Success" : "Error", pod->scheduler_name,
                          loop.mono() - asked);
  if (!bound) {
    volumes_failed(pod, plan, bound.error(), started);
    co_return;
  }
  cluster.cache().snapshot().volumes().take_back(plan);
  co_await bind(pod, plan.node, started);
}

void Scheduler::Impl::volumes_failed(const PodPtr& pod, const VolumePlan& plan,
                                     const ApiStatus& error, MonoTime started) {
  cluster.cache().snapshot().volumes().take_back(plan);
  work.set();
  if (!cluster.cache().is_assumed(pod->uid) || stop.stop_requested()) return;
  metrics.attempt("error", pod->scheduler_name, loop.mono() - started);
  bind_failed(pod, plan.node, kPreBindFailed, error);
}

void Scheduler::Impl::bind_failed(const PodPtr& pod, const std::string& node, std::string_view step,
                                  const ApiStatus& error) {
  ++counters.errors;
  if (cluster.cache().forget(pod->uid)) cluster.note_moved(pod, node, true);
  if (error.is_not_found() && !cluster.pod_object(*pod)) {
    cluster.queue().forget(pod->uid, loop.mono());
    return;
  }
  LOG_ERROR("Can't bind a pod", {"pod", pod->key}, {"node", node}, {"err", error});
  cluster.queue().add_after_back_off(pod, loop.mono());
  if (stop.stop_requested()) return;
  report(pod, kSchedulerError, std::string(step) + error.message(), std::nullopt);
}

}  // namespace tiphys::scheduler
