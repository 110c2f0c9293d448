// The algorithm alone: 5,000 nodes with 1,000 pods there and 10,000 to come, in process, shaped as
// upstream's scheduler_perf. Prints pods a second for each workload.
//   ninja -C build/release scheduler_bench && build/release/src/scheduler/scheduler_bench
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "codec/codec.h"
#include "scheduler/cache.h"
#include "scheduler/schedule.h"

namespace tiphys::scheduler {
namespace {

using SteadyClock = std::chrono::steady_clock;

ObjectPtr decode(std::string_view kind, const std::string& text) {
  Result<Draft> draft =
      codec::decode_object(codec::Format::kJson, text, schema::find_kind("", "v1", kind), nullptr);
  if (!draft) {
    std::fprintf(stderr, "%s\n", draft.error().message().c_str());
    std::exit(1);
  }
  return draft->freeze();
}

ObjectPtr node(int i) {
  std::string name = "node-" + std::to_string(i);
  return decode("Node",
                R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + name +
                    R"(","labels":{"kubernetes.io/hostname":")" + name +
                    R"(","topology.kubernetes.io/zone":"zone-)" + std::to_string(i % 10) +
                    R"("}},"status":{"allocatable":{"cpu":"4","memory":"32Gi","pods":"110"}}})");
}

PodPtr pod(const std::string& name, const std::string& spec) {
  return std::make_shared<PodInfo>(decode(
      "Pod", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
                 R"(","namespace":"default","uid":")" + name +
                 R"(","labels":{"color":"green"}},"spec":{"containers":[{"name":"c","image":"pause",
      "resources":{"requests":{"cpu":"100m","memory":"500Mi"}}}])" +
                 spec + "}}"));
}

std::string term(const char* kind, const char* key, bool preferred) {
  std::string inner = std::string(R"({"topologyKey":")") + key +
                      R"(","labelSelector":{"matchLabels":{"color":"green"}}})";
  if (preferred) inner = R"({"weight":1,"podAffinityTerm":)" + inner + "}";
  return std::string(R"(,"affinity":{")") + kind + R"(":{")" +
         (preferred ? "preferred" : "required") + R"(DuringSchedulingIgnoredDuringExecution":[)" +
         inner + "]}}";
}

void run(const char* title, int nodes, int there, int to_come, const std::string& spec) {
  Cache cache;
  for (int i = 0; i < nodes; ++i) cache.snapshot().set_node(node(i));
  SeededRandom random(1);
  Profile profile = default_profile();
  size_t start = 0;
  int failed = 0;
  std::vector<PodPtr> pods;
  for (int i = 0; i < there + to_come; ++i) pods.push_back(pod("p" + std::to_string(i), spec));
  std::vector<int64_t> times;
  auto begin = SteadyClock::now();
  for (int i = 0; i < there + to_come; ++i) {
    if (i == there) begin = SteadyClock::now();
    auto from = SteadyClock::now();
    const PodPtr& p = pods[static_cast<size_t>(i)];
    Decision decision = schedule(*p, cache.snapshot(), profile, start, random);
    start = decision.next_start;
    if (decision.node)
      cache.assume(p, decision.node->name);
    else
      ++failed;
    if (i >= there) times.push_back((SteadyClock::now() - from).count());
  }
  double seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  std::sort(times.begin(), times.end());
  std::printf("%-24s %5d nodes %6d pods  %8.0f pods/s  p50 %6.1f us  p99 %7.1f us  unplaced %d\n",
              title, nodes, to_come, to_come / seconds,
              static_cast<double>(times[times.size() / 2]) / 1e3,
              static_cast<double>(times[times.size() * 99 / 100]) / 1e3, failed);
  std::fflush(stdout);
}

void run_all(int nodes, int to_come) {
  const char* zone = "topology.kubernetes.io/zone";
  const char* host = "kubernetes.io/hostname";
  run("SchedulingBasic", nodes, 1000, to_come, "");
  run("NodeAffinity", nodes, 1000, to_come, R"(,"affinity":{"nodeAffinity":{
      "requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[
      {"key":"topology.kubernetes.io/zone","operator":"In","values":["zone-1","zone-2"]}]}]}}})");
  auto spread = [](const char* when) {
    return std::string(R"(,"topologySpreadConstraints":[{"maxSkew":5,"topologyKey":
      "topology.kubernetes.io/zone","whenUnsatisfiable":")") +
           when + R"(","labelSelector":{"matchLabels":{"color":"green"}}}])";
  };
  run("TopologySpreading", nodes, 1000, to_come, spread("DoNotSchedule"));
  run("PreferredSpreading", nodes, 1000, to_come, spread("ScheduleAnyway"));
  run("PodAffinity", nodes, 1000, std::min(to_come, nodes * 3), term("podAffinity", zone, false));
  run("PodAntiAffinity", nodes, nodes / 5, nodes * 2 / 5, term("podAntiAffinity", host, false));
  run("PreferredPodAffinity", nodes, 1000, to_come, term("podAffinity", host, true));
  run("PreferredAntiAffinity", nodes, 1000, to_come, term("podAntiAffinity", host, true));
}

}  // namespace
}  // namespace tiphys::scheduler

int main(int argc, char** argv) {
  int nodes = argc > 1 ? std::atoi(argv[1]) : 5000;
  int pods = argc > 2 ? std::atoi(argv[2]) : 10000;
  tiphys::scheduler::run_all(nodes, pods);
  return 0;
}
