// The insides of Scheduler: its parts, and what it does, a file each: scheduler.cc decides,
// scheduler_rejection.cc does what follows when no node fits, scheduler_binding.cc when one does.
#pragma once
#include <map>
#include <string>

#include "client/event_recorder.h"
#include "scheduler/cluster_view.h"
#include "scheduler/consultation.h"
#include "scheduler/preemption.h"
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_metrics.h"
#include "scheduler/volume_binder.h"

namespace tiphys::scheduler {

// Of one profile. Events are written one after another beside the bindings, so a burst of pods is
// told of later than it is placed, but told of.
inline constexpr size_t kMaxEvents = 20'000;
inline constexpr const char* kSchedulerError = "SchedulerError";

inline const schema::Resource& pod_resource() { return *schema::find_resource("", "v1", "pods"); }

// Of one decision.
class DecisionObserver : public PluginObserver {
 public:
  DecisionObserver(Loop& loop, SchedulerMetrics& metrics, std::string_view profile, bool timed)
      : loop_(loop), metrics_(metrics), profile_(profile), timed_(timed) {}
  bool timed() const override { return timed_; }
  MonoTime now() const override { return loop_.mono(); }
  void took(std::string_view plugin, std::string_view point, std::string_view status,
            Duration time) override {
    metrics_.plugin_took(plugin, point, status, time);
  }
  void asked(std::string_view plugin, std::string_view point, int64_t times) override {
    metrics_.plugin_asked(plugin, point, profile_, times);
  }

 private:
  Loop& loop_;
  SchedulerMetrics& metrics_;
  std::string_view profile_;
  bool timed_;
};

struct Scheduler::Impl {
  Impl(Loop& loop_in, client::Client& client_in, Random& random_in, Options opts)
      : loop(loop_in),
        client(client_in),
        random(random_in),
        profiles(std::move(opts.profiles)),
        factory(loop, client, random),
        work(loop),
        room(loop),
        gate(loop),
        bindings(loop),
        extenders(loop, std::move(opts.extenders), stop.token()),
        volume_waits(loop),
        cluster(loop, factory, profiles, opts.queue, [this] { work.set(); }),
        volume_binder(loop, client, cluster),
        budgets(factory.informer(*schema::find_resource("policy", "v1", "poddisruptionbudgets"))) {
    room.set();
    for (const Profile& profile : profiles.list()) {
      voices.try_emplace(profile.scheduler_name, loop, client, random, profile.scheduler_name);
    }
  }

  Task<void> fill();
  Task<void> run();
  Task<void> wait_for_work();
  PodPtr one_turn();
  // Of a pod that is ours.
  const Profile& profile_of(const PodInfo& pod) const { return *profiles.find(pod.scheduler_name); }
  client::EventRecorder& recorder_of(const PodInfo& pod) {
    return voices.find(pod.scheduler_name)->second.recorder;
  }
  void schedule_one(const PodPtr& pod);
  Task<void> schedule_with_extenders(PodPtr pod);
  void note_times(const PodInfo& pod, const Consultation& made);
  void place(const PodPtr& pod, const Decision& decision, MonoTime started);
  Task<void> preempt_with_extenders(PodPtr pod, Diagnosis diagnosis, MonoTime started);
  void failed(const PodPtr& pod, Diagnosis diagnosis, MonoTime started);
  void decision_failed(const PodPtr& pod, const ApiStatus& error, MonoTime started);
  void give_up(const PodPtr& pod, Diagnosis diagnosis, Preemption preemption, MonoTime started);
  void take_over(const std::string& node, int32_t priority);
  Candidates find_victims(const PodPtr& pod, const Diagnosis& diagnosis);
  std::vector<Budget> present_budgets() const;
  StartTime present_start_times() const;
  void report(const PodPtr& pod, std::string reason, std::string message,
              std::optional<std::string> nominated);
  Task<void> patch_status(std::string ns, std::string name, std::string body);
  Decision decide(const PodInfo& pod, std::string_view nominated);
  Task<Result<ObjectPtr>> look_again(PodPtr pod, ApiStatus error);
  Task<void> bind(PodPtr pod, std::string node, MonoTime started);
  Task<Result<bool>> default_bind(PodPtr pod, std::string node);
  Task<void> bind_volumes(PodPtr pod, VolumePlan plan, MonoTime started);
  Task<void> wait_for_volumes(PodPtr pod, VolumePlan plan, MonoTime started);
  void volumes_failed(const PodPtr& pod, const VolumePlan& plan, const ApiStatus& error,
                      MonoTime started);
  void bind_failed(const PodPtr& pod, const std::string& node, std::string_view step,
                   const ApiStatus& error);
  void note_bound(const PodPtr& pod, MonoTime started);
  Task<void> evict(PodPtr victim, PodPtr preemptor, std::string node);

  Loop& loop;
  client::Client& client;
  Random& random;
  const Profiles profiles;
  client::InformerFactory factory;
  // Events come from the schedulerName that a pod asks for.
  struct Voice {
    Voice(Loop& loop, client::Client& client, Random& random, const std::string& name)
        : own(client.transport(), name), recorder(loop, own, random, "", kMaxEvents) {}
    client::Client own;
    client::EventRecorder recorder;
  };
  std::map<std::string, Voice, std::less<>> voices;
  Event work;
  Event room;  // fewer than kMaxBindings are under way
  StopSource stop;
  Gate gate;
  Gate bindings;
  ExtenderCalls extenders;
  Gate volume_waits;  // apart from `bindings`: volumes that never bind hold nobody else up
  ClusterView cluster;
  VolumeBinder volume_binder;
  client::Informer& budgets;
  size_t next_start = 0;
  uint64_t decisions = 0;
  bool warming = false;
  bool synced = false;
  Counters counters;
  SchedulerMetrics metrics;
};

}  // namespace tiphys::scheduler
