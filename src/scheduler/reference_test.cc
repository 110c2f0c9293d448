// schedule() against a slow, obviously right reference over random clusters: the same feasible
// nodes for the same reasons, whatever came and went before.
#include <gtest/gtest.h>

#include <algorithm>

#include "scheduler/objects_test.h"

namespace tiphys::scheduler {
namespace {

struct Placed {
  PodPtr pod;
  std::string node;
};
struct World {
  std::map<std::string, ObjectPtr> nodes;
  std::vector<Placed> placed;
};

std::optional<std::string> label(const World& world, const std::string& node,
                                 const std::string& key) {
  core_v1::Node view(*world.nodes.at(node));
  Labels labels = view.metadata().labels();
  if (!labels.contains(key)) return std::nullopt;
  return std::string(labels.find(key));
}

bool matches(const PodMatch& match, const PodInfo& pod) {
  bool ns =
      std::find(match.namespaces.begin(), match.namespaces.end(), pod.ns) != match.namespaces.end();
  return ns && match.labels && match.labels->matches(pod.labels);
}

bool resources_fit(const World& world, const PodInfo& pod, const std::string& node) {
  Resources have = resources_from(core_v1::Node(*world.nodes.at(node)).status().allocatable());
  int64_t cpu = pod.requests.milli_cpu, memory = pod.requests.memory, count = 1;
  for (const Placed& p : world.placed) {
    if (p.node != node) continue;
    cpu += p.pod->requests.milli_cpu;
    memory += p.pod->requests.memory;
    ++count;
  }
  bool cpu_ok = pod.requests.milli_cpu == 0 || cpu <= have.milli_cpu;
  bool memory_ok = pod.requests.memory == 0 || memory <= have.memory;
  return cpu_ok && memory_ok && count <= have.pods;
}

bool spread_fits(const World& world, const PodInfo& pod, const std::string& node) {
  for (const SpreadConstraint& c : pod.spread) {
    std::map<std::string, int64_t> counts;
    for (const auto& [name, object] : world.nodes) {
      std::optional<std::string> value = label(world, name, c.topology_key);
      bool counted = pod.selects(core_v1::Node(*object).metadata().labels(), name);
      for (const SpreadConstraint& other : pod.spread) {
        counted = counted && label(world, name, other.topology_key).has_value();
      }
      if (!value || !counted) continue;
      int64_t& count = counts[*value];
      for (const Placed& p : world.placed) {
        if (p.node == name && p.pod->ns == pod.ns && c.labels->matches(p.pod->labels)) ++count;
      }
    }
    std::optional<std::string> ours = label(world, node, c.topology_key);
    if (!ours) return false;
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const auto& [value, count] : counts) least = std::min(least, count);
    if (counts.empty()) least = 0;
    int64_t here = counts.contains(*ours) ? counts[*ours] : 0;
    if (here + (c.labels->matches(pod.labels) ? 1 : 0) - least > c.max_skew) return false;
  }
  return true;
}

// Whether any placed pod for which `wanted` holds shares the node's value of the label.
template <class Wanted>
bool near(const World& world, const std::string& node, const std::string& key, Wanted wanted) {
  std::optional<std::string> ours = label(world, node, key);
  if (!ours) return false;
  return std::any_of(world.placed.begin(), world.placed.end(), [&](const Placed& p) {
    return world.nodes.contains(p.node) && label(world, p.node, key) == ours && wanted(*p.pod);
  });
}

bool affinity_fits(const World& world, const PodInfo& pod, const std::string& node) {
  auto all = [&](const PodInfo& other) {
    return std::all_of(pod.affinity.begin(), pod.affinity.end(),
                       [&](const PodAffinityTerm& t) { return matches(t.match, other); });
  };
  bool somebody = false;
  for (const PodAffinityTerm& term : pod.affinity) {
    for (const auto& [name, object] : world.nodes) {
      somebody = somebody || near(world, name, term.topology_key, all);
    }
  }
  for (const PodAffinityTerm& term : pod.affinity) {
    if (!label(world, node, term.topology_key)) return false;
    if (!somebody && all(pod)) continue;
    if (!near(world, node, term.topology_key, all)) return false;
  }
  for (const PodAffinityTerm& term : pod.anti_affinity) {
    if (near(world, node, term.topology_key,
             [&](const PodInfo& other) { return matches(term.match, other); })) {
      return false;
    }
  }
  for (const Placed& p : world.placed) {
    if (!world.nodes.contains(p.node)) continue;
    for (const PodAffinityTerm& term : p.pod->anti_affinity) {
      std::optional<std::string> theirs = label(world, p.node, term.topology_key);
      if (theirs && theirs == label(world, node, term.topology_key) && matches(term.match, pod)) {
        return false;
      }
    }
  }
  return true;
}

bool node_accepts(const World& world, const PodInfo& pod, const std::string& name) {
  core_v1::Node node(*world.nodes.at(name));
  for (core_v1::Taint taint : node.spec().taints()) {
    if (taint.effect() == "PreferNoSchedule") continue;
    if (!pod.tolerates(taint.key(), taint.value(), taint.effect())) return false;
  }
  if (node.spec().unschedulable() &&
      !pod.tolerates("node.kubernetes.io/unschedulable", "", "NoSchedule")) {
    return false;
  }
  for (const Placed& p : world.placed) {
    if (p.node != name) continue;
    for (const HostPort& used : p.pod->ports) {
      for (const HostPort& wanted : pod.ports) {
        if (wanted.conflicts(used)) return false;
      }
    }
  }
  return pod.selects(node.metadata().labels(), name);
}

bool reference_fits(const World& world, const PodInfo& pod, const std::string& node) {
  return node_accepts(world, pod, node) && resources_fit(world, pod, node) &&
         spread_fits(world, pod, node) && affinity_fits(world, pod, node);
}

// ---- random worlds ----

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}
  bool chance(int percent) { return below(100) < percent; }
  int below(int n) { return static_cast<int>(random_.below(static_cast<uint64_t>(n))); }
  std::string number(const char* prefix, int n) { return prefix + std::to_string(below(n)); }

  ObjectPtr node(const std::string& name) {
    NodeShape shape{.name = name};
    if (chance(80)) shape.labels = R"("zone":")" + number("z", 3) + "\"";
    shape.allocatable = R"({"cpu":")" + std::to_string(2 + below(4)) +
                        R"(","memory":"4Gi","pods":")" + std::to_string(3 + below(5)) + "\"}";
    if (chance(15)) shape.spec = R"("taints":[{"key":"t","effect":"NoSchedule"}])";
    if (chance(10)) shape.spec = R"("unschedulable":true)";
    return node_object(shape);
  }
  PodPtr pod(int id) {
    PodShape shape{.name = "p" + std::to_string(id), .ns = number("ns", 2)};
    shape.labels = R"({"app":")" + number("a", 3) + "\"}";
    if (chance(70)) {
      shape.requests = R"({"cpu":")" + std::to_string(100 * below(15)) + R"(m","memory":"100Mi"})";
    }
    if (chance(15)) {
      shape.container =
          R"("ports":[{"containerPort":1,"hostPort":)" + std::to_string(80 + below(2)) + "}]";
    }
    add(shape.spec, 30, R"("tolerations":[{"operator":"Exists"}])");
    add(shape.spec, 15, R"("nodeSelector":{"zone":")" + number("z", 3) + "\"}");
    add(shape.spec, 30,
        R"("topologySpreadConstraints":[)" + spread("zone") +
            (chance(50) ? "," + spread("kubernetes.io/hostname") : "") + "]");
    add(shape.spec, 35, R"("affinity":{)" + affinity() + "}");
    return make_pod(shape);
  }

 private:
  void add(std::string& spec, int percent, const std::string& text) {
    if (chance(percent)) spec += (spec.empty() ? "" : ",") + text;
  }
  std::string selector() {
    return R"("labelSelector":{"matchLabels":{"app":")" + number("a", 3) + "\"}}";
  }
  std::string key() { return chance(50) ? "zone" : "kubernetes.io/hostname"; }
  std::string spread(const std::string& topology) {
    return R"({"maxSkew":)" + std::to_string(1 + below(2)) + R"(,"topologyKey":")" + topology +
           R"(","whenUnsatisfiable":"DoNotSchedule",)" + selector() + "}";
  }
  std::string terms() {
    std::string list;
    for (int i = 0; i <= below(2); ++i) {
      list += (i == 0 ? "" : ",") + std::string("{\"topologyKey\":\"") + key() + "\"," +
              selector() + "}";
    }
    return R"({"requiredDuringSchedulingIgnoredDuringExecution":[)" + list + "]}";
  }
  std::string affinity() {
    std::string text;
    if (chance(60)) text += R"("podAntiAffinity":)" + terms();
    if (text.empty() || chance(40))
      text += (text.empty() ? "" : ",") + (R"("podAffinity":)" + terms());
    return text;
  }
  SeededRandom random_;
};

class ReferenceTest : public testing::TestWithParam<uint64_t> {
 protected:
  // One random event, in the world and in the snapshot alike.
  void event(int step) {
    std::string name = "n" + std::to_string(maker.below(8));
    int what = maker.below(10);
    if (what < 3) {
      world.nodes[name] = maker.node(name);
      snapshot.set_node(world.nodes[name]);
    } else if (what == 3) {
      world.nodes.erase(name);
      snapshot.remove_node(name);
    } else if (what < 6 && !world.placed.empty()) {
      size_t at = static_cast<size_t>(maker.below(static_cast<int>(world.placed.size())));
      Placed gone = world.placed[at];
      world.placed.erase(world.placed.begin() + static_cast<ptrdiff_t>(at));
      EXPECT_TRUE(snapshot.remove_pod(gone.pod->uid, gone.node));
    }
    check(maker.pod(step));
  }
  void check(const PodPtr& pod) {
    std::set<std::string> expected, found;
    for (const auto& [name, object] : world.nodes) {
      if (reference_fits(world, *pod, name)) expected.insert(name);
    }
    for (const NodeExplanation& node : explain(*pod, snapshot, profile)) {
      if (node.feasible) found.insert(node.node);
      for (const auto& [plugin, score] : node.scores) {
        EXPECT_GE(score, 0) << plugin;
        EXPECT_LE(score, 300) << plugin;
      }
    }
    ASSERT_EQ(found, expected) << pod->key;
    Decision decision = schedule(*pod, snapshot, profile, 0, random);
    ASSERT_EQ(decision.node != nullptr, !expected.empty());
    if (!decision.node) return;
    EXPECT_TRUE(expected.contains(decision.node->name));
    world.placed.push_back({pod, decision.node->name});
    snapshot.add_pod(pod, decision.node->name);
  }

  World world;
  Snapshot snapshot;
  Profile profile = default_profile();
  Maker maker{GetParam()};
  SeededRandom random{GetParam()};
};

TEST_P(ReferenceTest, SameFeasibleNodesAfterAnyHistory) {
  for (int step = 0; step < 150 && !HasFatalFailure(); ++step) event(step);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReferenceTest, testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace tiphys::scheduler
