// The algorithm alone, in process: pods a second of CPU time, for workloads shaped as upstream's
// scheduler_perf (tests/bench/scheduler_workloads.txt says what they are; ./dev bench scheduler
// runs this too).
//   ninja -C build/release scheduler_bench
//   build/release/src/scheduler/scheduler_bench [NODES [WORKLOAD [FILE]]]
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "codec/codec.h"
#include "scheduler/cache.h"
#include "scheduler/preemption.h"

namespace tiphys::scheduler {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What others take of the machine does not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

ObjectPtr decode(std::string_view kind, const std::string& text) {
  Result<Draft> draft =
      codec::decode_object(codec::Format::kJson, text, schema::find_kind("", "v1", kind), nullptr);
  if (!draft) fail(draft.error().message() + ": " + text);
  return draft->freeze();
}

struct Template {
  std::string spec;
  std::string labels = "{}";
};

struct Step {
  std::string kind;  // there, waiting, come
  int count = 0;
  Template pod;
  std::string ns = "default";
};

struct Workload {
  std::string name;
  bool per_node = false;
  int zones = 0;
  double goal = 0;
  std::vector<Step> steps;

  int count(int of, int nodes) const {
    if (per_node) return static_cast<int>(int64_t{of} * nodes / 5000);
    return nodes < 1000 ? of / 10 : of;
  }
};

// A container of the default size, unless the spec has its own.
std::string with_containers(std::string spec) {
  if (spec.find("\"containers\"") != std::string::npos) return spec;
  constexpr const char* kContainers = R"({"containers":[{"name":"c","image":"pause",
      "resources":{"requests":{"cpu":"100m","memory":"500Mi"}}}])";
  return kContainers + std::string(spec == "{}" ? "" : ",") + spec.substr(1);
}

class Reader {
 public:
  explicit Reader(const std::string& file) {
    std::ifstream in(file);
    if (!in) fail("can't read " + file);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string first;
      if (words >> first && first[0] != '#') read(first, words);
    }
  }
  std::vector<Workload> workloads;

 private:
  void read(const std::string& first, std::istringstream& words) {
    std::string name;
    if (first == "pod") {
      Template pod;
      words >> name >> pod.spec >> pod.labels;
      if (pod.labels.empty()) pod.labels = "{}";
      pod.spec = with_containers(pod.spec);
      pods_[name] = pod;
    } else if (first == "workload") {
      Workload made;
      std::string per_node;
      words >> made.name >> per_node;
      made.per_node = per_node == "per-node";
      workloads.push_back(made);
    } else if (first == "zones") {
      words >> workloads.back().zones;
    } else if (first == "goal") {
      words >> workloads.back().goal;
    } else {
      Step step{.kind = first};
      words >> step.count >> name >> step.ns;
      if (step.ns.empty()) step.ns = "default";
      if (!pods_.contains(name)) fail("no pod " + name);
      step.pod = pods_[name];
      workloads.back().steps.push_back(step);
    }
  }
  std::map<std::string, Template> pods_;
};

ObjectPtr node(int i, int zones) {
  std::string name = "node-" + std::to_string(i);
  std::string labels = R"("kubernetes.io/hostname":")" + name + "\"";
  if (zones > 0) {
    labels += R"(,"topology.kubernetes.io/zone":"zone-)" + std::to_string(i % zones) + "\"";
  }
  return decode("Node", R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + name +
                            R"(","labels":{)" + labels +
                            R"(}},"status":{"allocatable":{"cpu":"4","memory":"32Gi",)"
                            R"("pods":"110"}}})");
}

class Run {
 public:
  Run(const Workload& workload, int nodes) : workload_(workload), nodes_(nodes) {
    for (int i = 0; i < nodes; ++i) cache_.snapshot().set_node(node(i, workload.zones));
    for (const char* ns : {"default", "sched-0", "sched-1"}) {
      cache_.snapshot().set_namespace(
          ns, decode("Namespace", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")" +
                                      std::string(ns) + "\"}}"));
    }
  }

  void all() {
    for (const Step& step : workload_.steps) {
      std::vector<PodPtr> pods = make(step);
      times_.clear();
      unplaced_ = 0;
      double begin = cpu_seconds();
      for (const PodPtr& pod : pods) timed(pod);
      double seconds = cpu_seconds() - begin;
      if (step.kind == "waiting" && unplaced_ != static_cast<int>(pods.size())) {
        fail("pods that should wait were placed");
      }
      if (step.kind != "there") tell(step, seconds);
    }
  }

 private:
  std::vector<PodPtr> make(const Step& step) {
    std::vector<PodPtr> pods;
    for (int i = 0; i < workload_.count(step.count, nodes_); ++i) {
      std::string name = "p" + std::to_string(next_name_++);
      pods.push_back(std::make_shared<PodInfo>(decode(
          "Pod", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
                     R"(","namespace":")" + step.ns + R"(","uid":")" + name + R"(","labels":)" +
                     step.pod.labels + R"(},"spec":)" + step.pod.spec + "}")));
    }
    return pods;
  }

  void timed(const PodPtr& pod) {
    auto from = SteadyClock::now();
    if (!place(pod)) ++unplaced_;
    times_.push_back((SteadyClock::now() - from).count());
  }

  bool place(const PodPtr& pod) {
    Decision decision = decide(*pod);
    if (!decision.node && pod->priority > 0) {
      Candidates found = find_candidates(*pod, cache_.snapshot(), decision.diagnosis, {}, profile_,
                                         static_cast<size_t>(random_.below(1 << 30)));
      Preemption made = choose_candidate(std::move(found.list), cache_.snapshot());
      for (const PodPtr& victim : made.victims) (void)cache_.remove_pod(victim->uid);
      if (made.node) decision = decide(*pod);
    }
    if (decision.node) cache_.assume(pod, decision.node->name);
    return decision.node != nullptr;
  }

  Decision decide(const PodInfo& pod) {
    Decision decision = schedule(pod, cache_.snapshot(), profile_, start_, random_);
    start_ = decision.next_start;
    return decision;
  }

  static double peak_mb() {
    std::ifstream in("/proc/self/status");
    for (std::string word; in >> word;) {
      double kilobytes = 0;
      if (word == "VmHWM:" && in >> kilobytes) return kilobytes / 1024;
    }
    return 0;
  }

  void tell(const Step& step, double seconds) {
    std::sort(times_.begin(), times_.end());
    auto share = [&](double part) {
      size_t at = static_cast<size_t>(part * static_cast<double>(times_.size() - 1));
      return static_cast<double>(times_[at]) / 1e3;
    };
    bool waits = step.kind == "waiting";
    double rate = static_cast<double>(times_.size()) / seconds;
    std::printf("%-35s%6d%7zu%9.0f pods/s  p50 %6.1f us  p99 %7.1f us  peak %4.0f MB",
                (workload_.name + (waits ? " (rejected)" : "")).c_str(), nodes_, times_.size(),
                rate, share(0.5), share(0.99), peak_mb());
    if (!waits && nodes_ == 5000) {
      std::printf("  goal %.0f: %s", workload_.goal, rate >= workload_.goal ? "met" : "NOT MET");
    }
    if (!waits && unplaced_ > 0) std::printf(", %d NOT PLACED", unplaced_);
    std::printf("\n");
    std::fflush(stdout);
  }

  const Workload& workload_;
  int nodes_;
  Cache cache_;
  SeededRandom random_{1};
  Profile profile_ = default_profile();
  size_t start_ = 0;
  int next_name_ = 0;
  int unplaced_ = 0;
  std::vector<int64_t> times_;
};

}  // namespace
}  // namespace tiphys::scheduler

int main(int argc, char** argv) {
  int nodes = argc > 1 ? std::atoi(argv[1]) : 5000;
  std::string only = argc > 2 ? argv[2] : "";
  std::string file = argc > 3 ? argv[3] : "tests/bench/scheduler_workloads.txt";
  for (const auto& workload : tiphys::scheduler::Reader(file).workloads) {
    if (!only.empty() && workload.name != only) continue;
    tiphys::scheduler::Run(workload, nodes).all();
  }
  return 0;
}
