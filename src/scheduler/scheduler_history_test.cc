// The shell through random histories: nodes that flap, pods that vanish while being bound, another
// scheduler, a server that fails, forgets to answer and tells late. Whenever it is calm for a
// while, nobody waits who could be placed; no room is given twice; no attempt without a reason.
#include "scheduler/scheduler_world_test.h"

namespace tiphys::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// News and decisions take less: watches that broke are opened again after up to half a minute.
constexpr Duration kNews = seconds(60);
constexpr Duration kCalm = seconds(120);
constexpr int kKinds = 12;  // of pods

bool is_binding(const client::Request& request) {
  return request.path.find("/binding") != std::string::npos;
}

class SchedulerHistory : public SchedulerTest, public testing::WithParamInterface<uint64_t> {
 protected:
  SchedulerHistory() {
    api.before = [this](const client::Request& request) { return fail_before(request); };
    api.after = [this](const client::Request& request) { return note_and_lose(request); };
  }
  int below(int n) { return static_cast<int>(dice.below(static_cast<uint64_t>(n))); }
  bool chance(int percent) { return below(100) < percent; }

  // ---- the server ----

  std::optional<ApiStatus> fail_before(const client::Request& request) {
    if (calm || request.method == "GET" || !chance(5)) return std::nullopt;
    ++faults;
    if (chance(50)) return ApiStatus::service_unavailable("try later");
    return ApiStatus::conflict("", "pods", "x", "somebody was faster");
  }
  std::optional<ApiStatus> note_and_lose(const client::Request& request) {
    if (is_binding(request)) note_binding(request);
    if (calm || request.method == "GET" || !chance(5)) return std::nullopt;
    ++faults;
    return ApiStatus::timeout("lost");
  }
  // No room is given twice: what we bound, and what others did so long ago that we knew, fits.
  void note_binding(const client::Request& request) {
    size_t from = request.path.find("/pods/") + 6;
    std::string name = request.path.substr(from, request.path.rfind('/') - from);
    ObjectPtr object = api.get(pods(), "default", name);
    if (!object) return;
    core_v1::Pod pod(*object);
    std::string uid(pod.metadata().uid()), node(pod.spec().node_name());
    if (node.empty() || foreign.contains(uid) || !ours.insert(uid).second) return;
    ++changes;
    int64_t used = 0;
    for (const ObjectPtr& other : api.list(pods())) {
      PodInfo info(other);
      if (info.node_name != node) continue;
      auto at = foreign.find(info.uid);
      if (at == foreign.end() || at->second + kNews < loop.mono()) used += info.requests.milli_cpu;
    }
    EXPECT_LE(used, 4000) << node << " is booked twice, at last for " << name;
  }

  // ---- what happens ----

  std::string any_node() { return "n" + std::to_string(below(6)); }
  void put_node(const std::string& name) {
    NodeShape shape{.name = name, .labels = R"("zone":"z)" + std::to_string(below(2)) + "\""};
    if (chance(20)) shape.spec = R"("taints":[{"key":"not-ready","effect":"NoSchedule"}])";
    if (chance(10)) shape.spec = R"("unschedulable":true)";
    node(shape);
    ++changes;
  }
  void put_pod() {
    std::string name = "p" + std::to_string(below(150));
    if (api.get(pods(), "default", name)) return;
    int kind = below(kKinds);
    PodShape shape{.name = name};
    shape.labels = R"({"app":"a)" + std::to_string(kind % 3) + "\"}";
    shape.requests = R"({"cpu":")" + std::to_string(1 + kind % 2) + "\"}";
    const std::string same = R"("labelSelector":{"matchLabels":{"app":"a1"}}})";
    if (kind == 3) shape.spec = R"("nodeSelector":{"zone":"nowhere"})";
    if (kind == 4) shape.spec = R"("priority":10)";
    if (kind == 5) {
      shape.spec = R"("affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[
          {"topologyKey":"zone",)" +
                   same + "]}}";
    }
    if (kind == 6) {
      shape.spec =
          R"("affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
          [{"topologyKey":"kubernetes.io/hostname",)" +
          same + "]}}";
    }
    if (kind == 7) {
      shape.spec = R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone",
          "whenUnsatisfiable":"DoNotSchedule",)" +
                   same + "]";
    }
    if (kind == 8) shape.container = R"("ports":[{"containerPort":1,"hostPort":80}])";
    pod(shape);
    ++changes;
  }
  ObjectPtr any_pod() {
    std::vector<ObjectPtr> all = api.list(pods());
    return all.empty() ? nullptr : all[static_cast<size_t>(below(static_cast<int>(all.size())))];
  }
  void another_scheduler_binds() {
    ObjectPtr object = any_pod();
    if (!object || !core_v1::Pod(*object).spec().node_name().empty()) return;
    Draft draft(*object);
    core_v1::PodEdit(draft).edit_spec().set_node_name(any_node());
    foreign[std::string(core_v1::Pod(*object).metadata().uid())] = loop.mono();
    api.put(pods(), draft.freeze());
    ++changes;
  }
  void step() {
    switch (below(12)) {
      case 0:
        api.remove(nodes(), "", any_node());
        ++changes;
        break;
      case 1:
      case 2:
        put_node(any_node());
        break;
      case 3:
      case 4:
        if (ObjectPtr object = any_pod()) {
          api.remove(pods(), "default", core_v1::Pod(*object).metadata().name());
          ++changes;
        }
        break;
      case 5:
        another_scheduler_binds();
        break;
      case 6:
        api.finish_deleted_pods();
        ++changes;
        break;
      case 7:
        api.set_watch_lag(milliseconds(below(60)));  // of each event, one after another
        api.set_delay(milliseconds(below(400)));
        break;
      case 8:
        if (chance(20)) api.break_watches();
        if (chance(20)) loop.jump_wall(seconds(below(7200) - 3600));
        break;
      default:
        for (int i = below(4); i >= 0; --i) put_pod();
    }
    loop.run_for(milliseconds(below(1500)));
  }

  // ---- what must hold when it has been calm ----

  void settle(Duration time) {
    calm = true;
    api.set_delay(Duration::zero());
    api.set_watch_lag(Duration::zero());
    for (int i = 0; i < 4; ++i) {  // victims of preemption leave
      api.finish_deleted_pods();
      loop.run_for(time / 4);
    }
    changes += 4;
  }
  void check_nobody_waits_in_vain() {
    size_t waiting = 0;
    for (const ObjectPtr& object : api.list(pods())) {
      core_v1::Pod pod(*object);
      if (!pod.spec().node_name().empty() || pod.metadata().has_deletion_timestamp()) continue;
      ++waiting;
      auto why = scheduler.why("default", pod.metadata().name());
      ASSERT_TRUE(why) << pod.metadata().name();
      for (const NodeExplanation& node : *why) {
        EXPECT_FALSE(node.feasible) << pod.metadata().name() << " could go to " << node.node;
      }
    }
    EXPECT_EQ(scheduler.pending(), waiting) << "none is lost, none is kept for ever";
  }
  void check_attempts() {
    const Scheduler::Counters& counted = scheduler.counters();
    int64_t attempts = counted.scheduled + counted.unschedulable + counted.errors;
    // A change wakes at most one of each kind; errors are tried again; five minutes are a reason.
    int64_t flushes = (loop.mono() - begun) / minutes(5) + 1;
    int64_t nominated = counted.preemptions;
    EXPECT_LE(attempts, (changes + faults + flushes) * (kKinds + 1 + nominated)) << changes;
  }

  SeededRandom dice{GetParam()};
  bool calm = false;
  int64_t changes = 0, faults = 0;
  MonoTime begun = loop.mono();
  std::map<std::string, MonoTime> foreign;  // uids, and since when
  std::set<std::string> ours;
};

TEST_P(SchedulerHistory, NobodyIsLostAndNoRoomIsGivenTwice) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  for (int i = 0; i < 4; ++i) put_node("n" + std::to_string(i));
  for (int round = 0; round < 6 && !HasFailure(); ++round) {
    calm = false;
    for (int i = 0; i < 40; ++i) step();
    settle(kCalm);
    check_nobody_waits_in_vain();
    check_attempts();
  }
  // With room for all, all are placed.
  for (int i = 0; i < 60; ++i) {
    node({.name = "big" + std::to_string(i),
          .labels = R"("zone":")" +
                    std::string(i % 3 == 0   ? "nowhere"
                                : i % 3 == 1 ? "z0"
                                             : "z1") +
                    "\"",
          .allocatable = R"({"cpu":"64","memory":"512Gi","pods":"110"})"});
  }
  pod({.name = "company", .labels = R"({"app":"a1"})"});
  settle(seconds(60));
  check_nobody_waits_in_vain();
}

// SCHEDULER_SEEDS=500 tells many.
uint64_t seeds() {
  const char* wanted = std::getenv("SCHEDULER_SEEDS");
  return wanted ? std::stoull(wanted) : 12;
}
INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerHistory, testing::Range<uint64_t>(1, 1 + seeds()));

// Others come and go while 20,000 wait for what doesn't come.
TEST_F(SchedulerTest, ThousandsThatWaitCostTheOthersNothing) {
  constexpr int kWaiting = 20'000;
  node({.name = "n1", .allocatable = R"({"cpu":"4","memory":"8Gi","pods":"110"})"});
  for (int i = 0; i < kWaiting; ++i) {
    pod({.name = "w" + std::to_string(i),
         .requests = i % 2 == 0 ? R"({"cpu":"64"})" : "{}",
         .spec = i % 2 == 0 ? "" : R"("nodeSelector":{"zone":"nowhere"})"});
  }
  loop.run_for(minutes(1));
  EXPECT_EQ(scheduler.counters().unschedulable, kWaiting);
  for (int i = 0; i < 50; ++i) {
    std::string name = "quick" + std::to_string(i);
    pod({.name = name, .requests = R"({"cpu":"4"})"});
    loop.run_for(seconds(1));
    ASSERT_EQ(placed(name.c_str()), "n1");
    api.remove(pods(), "default", name);
    api.finish_deleted_pods();
    loop.run_for(seconds(1));
  }
  EXPECT_EQ(scheduler.counters().unschedulable, kWaiting) << "none of it helps those who wait";
  node({.name = "n2", .labels = R"("zone":"nowhere")"});
  loop.run_for(minutes(1));
  EXPECT_EQ(scheduler.counters().scheduled, 50 + 110) << "as many as fit";
}

}  // namespace
}  // namespace tiphys::scheduler
