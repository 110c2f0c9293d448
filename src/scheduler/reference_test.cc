// schedule() against a slow, obviously right reference over random clusters: the same feasible
// nodes, scores and messages, whatever came and went before.
#include "scheduler/reference_test.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tiphys::scheduler {
namespace {

using Nodes = std::vector<std::string>;
using Scores = std::vector<int64_t>;  // by position in Nodes

// ---- scores, by upstream's formulas ----

void scale(Scores& scores, bool reverse) {
  int64_t max = 0;
  for (int64_t score : scores) max = std::max(max, score);
  for (int64_t& score : scores) {
    if (max > 0) score = 100 * score / max;
    if (reverse) score = 100 - score;
  }
}

Scores taint_scores(const World& world, const PodInfo& pod, const Nodes& nodes) {
  Scores scores;
  for (const std::string& name : nodes) {
    int64_t bad = 0;
    for (core_v1::Taint t : core_v1::Node(*world.nodes.at(name)).spec().taints()) {
      if (t.effect() != "PreferNoSchedule") continue;
      if (!pod.tolerates(t.key(), t.value(), t.effect())) ++bad;
    }
    scores.push_back(bad);
  }
  scale(scores, true);
  return scores;
}

Scores node_affinity_scores(const World& world, const PodInfo& pod, const Nodes& nodes) {
  Scores scores;
  for (const std::string& name : nodes) {
    int64_t sum = 0;
    for (const WeightedNodeTerm& wish : pod.preferred_terms) {
      Labels labels = core_v1::Node(*world.nodes.at(name)).metadata().labels();
      if (wish.term.matches(labels, name)) sum += wish.weight;
    }
    scores.push_back(sum);
  }
  scale(scores, false);
  return scores;
}

struct Use {
  int64_t cpu = 0, memory = 0, nonzero_cpu = 0, nonzero_memory = 0;
  void add(const PodInfo& pod) {
    cpu += pod.requests.milli_cpu;
    memory += pod.requests.memory;
    nonzero_cpu += pod.nonzero_milli_cpu;
    nonzero_memory += pod.nonzero_memory;
  }
};

Use use_with(const World& world, const PodInfo& pod, const std::string& node) {
  Use use;
  use.add(pod);
  for (const Placed& p : world.placed) {
    if (p.node == node) use.add(*p.pod);
  }
  return use;
}

Scores least_allocated(const World& world, const PodInfo& pod, const Nodes& nodes) {
  Scores scores;
  for (const std::string& name : nodes) {
    Resources have = resources_from(core_v1::Node(*world.nodes.at(name)).status().allocatable());
    Use use = use_with(world, pod, name);
    auto free = [](int64_t used, int64_t all) { return used > all ? 0 : (all - used) * 100 / all; };
    scores.push_back(
        (free(use.nonzero_cpu, have.milli_cpu) + free(use.nonzero_memory, have.memory)) / 2);
  }
  return scores;
}

Scores balanced(const World& world, const PodInfo& pod, const Nodes& nodes) {
  Scores scores(nodes.size());
  if (pod.requests.milli_cpu == 0 && pod.requests.memory == 0) return scores;
  for (size_t i = 0; i < nodes.size(); ++i) {
    Resources have =
        resources_from(core_v1::Node(*world.nodes.at(nodes[i])).status().allocatable());
    Use use = use_with(world, pod, nodes[i]);
    double cpu = std::min(1.0, double(use.cpu) / double(have.milli_cpu));
    double memory = std::min(1.0, double(use.memory) / double(have.memory));
    scores[i] = int64_t((1 - std::abs(cpu - memory) / 2) * 100);
  }
  return scores;
}

int64_t image_size(const World& world, const std::string& node, const std::string& image) {
  for (core_v1::ContainerImage held : core_v1::Node(*world.nodes.at(node)).status().images()) {
    for (std::string_view name : held.names()) {
      if (name == image) return held.size_bytes();
    }
  }
  return 0;
}

Scores image_scores(const World& world, const PodInfo&, const Nodes& nodes) {
  constexpr int64_t kMega = 1024 * 1024;
  int64_t holders = 0;
  for (const auto& [name, object] : world.nodes) {
    holders += image_size(world, name, "nginx:latest") > 0 ? 1 : 0;
  }
  Scores scores;
  for (const std::string& name : nodes) {
    double spread = double(holders) / double(world.nodes.size());
    auto sum = int64_t(double(image_size(world, name, "nginx:latest")) * spread);
    sum = std::clamp(sum, 23 * kMega, 1000 * kMega);
    scores.push_back(100 * (sum - 23 * kMega) / (1000 * kMega - 23 * kMega));
  }
  return scores;
}

int64_t count_on(const World& world, const std::string& node, const PodInfo& pod,
                 const SpreadConstraint& c) {
  return std::ranges::count_if(world.placed, [&](const Placed& p) {
    return p.node == node && p.pod->ns == pod.ns && c.labels->matches(p.pod->labels);
  });
}

Scores spread_scores(const World& world, const PodInfo& pod, const Nodes& nodes) {
  std::vector<SpreadConstraint> soft;
  for (const SpreadConstraint& c : pod.spread) {
    if (!c.hard) soft.push_back(c);
  }
  Scores scores(nodes.size());
  if (soft.empty()) return scores;
  auto has_all = [&](const std::string& node) {
    return std::ranges::all_of(soft, [&](const SpreadConstraint& c) {
      return label(world, node, c.topology_key).has_value();
    });
  };
  int64_t low = std::numeric_limits<int64_t>::max(), high = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!has_all(nodes[i])) continue;
    double sum = 0;
    for (const SpreadConstraint& c : soft) {
      bool host = c.topology_key == "kubernetes.io/hostname";
      std::optional<std::string> ours = label(world, nodes[i], c.topology_key);
      std::set<std::string> domains;  // of feasible nodes
      int64_t hosts = 0, matching = 0;
      for (const std::string& other : nodes) {
        if (!has_all(other)) continue;
        ++hosts;
        domains.insert(*label(world, other, c.topology_key));
      }
      for (const auto& [other, object] : world.nodes) {
        bool counts =
            has_all(other) && pod.selects(core_v1::Node(*object).metadata().labels(), other);
        if (counts && label(world, other, c.topology_key) == ours) {
          matching += count_on(world, other, pod, c);
        }
      }
      if (host) matching = count_on(world, nodes[i], pod, c);
      double size = host ? double(hosts) : double(domains.size());
      sum += double(matching) * std::log(size + 2) + (c.max_skew - 1);
    }
    scores[i] = std::llround(sum);
    low = std::min(low, scores[i]);
    high = std::max(high, scores[i]);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!has_all(nodes[i])) continue;
    scores[i] = high == 0 ? 100 : 100 * (high + low - scores[i]) / high;
  }
  return scores;
}

Scores pod_affinity_scores(const World& world, const PodInfo& pod, const Nodes& nodes) {
  Scores scores;
  for (const std::string& node : nodes) {
    int64_t sum = 0;
    for (const Placed& p : world.placed) {
      if (!world.nodes.contains(p.node)) continue;
      auto add = [&](const std::vector<PodAffinityTerm>& terms, const PodInfo& whom, int64_t by) {
        for (const PodAffinityTerm& term : terms) {
          std::optional<std::string> there = label(world, p.node, term.topology_key);
          if (!there || there != label(world, node, term.topology_key)) continue;
          if (matches(term.match, whom)) sum += by * std::max(term.weight, 1);
        }
      };
      add(pod.preferred_affinity, *p.pod, 1);
      add(pod.preferred_anti_affinity, *p.pod, -1);
      add(p.pod->affinity, pod, 1);  // hardPodAffinityWeight
      add(p.pod->preferred_affinity, pod, 1);
      add(p.pod->preferred_anti_affinity, pod, -1);
    }
    scores.push_back(sum);
  }
  if (scores.empty()) return scores;
  auto [min, max] = std::ranges::minmax(scores);
  for (int64_t& score : scores) {
    score = max == min ? 0 : int64_t(100 * (double(score - min) / double(max - min)));
  }
  return scores;
}

// By node and plugin, weighted.
std::map<std::string, std::map<std::string, int64_t>> reference_scores(const World& world,
                                                                       const PodInfo& pod,
                                                                       const Nodes& nodes) {
  std::map<std::string, std::map<std::string, int64_t>> all;
  auto add = [&](const char* plugin, int64_t weight, const Scores& scores) {
    for (size_t i = 0; i < nodes.size(); ++i) all[nodes[i]][plugin] = weight * scores[i];
  };
  add("TaintToleration", 3, taint_scores(world, pod, nodes));
  add("NodeAffinity", 2, node_affinity_scores(world, pod, nodes));
  add("NodeResourcesFit", 1, least_allocated(world, pod, nodes));
  add("NodeResourcesBalancedAllocation", 1, balanced(world, pod, nodes));
  add("ImageLocality", 1, image_scores(world, pod, nodes));
  add("PodTopologySpread", 2, spread_scores(world, pod, nodes));
  add("InterPodAffinity", 2, pod_affinity_scores(world, pod, nodes));
  return all;
}

std::string reference_message(const World& world, const std::map<std::string, int>& reasons) {
  if (world.nodes.empty()) return "no nodes available to schedule pods";
  std::vector<std::string> parts;
  for (const auto& [reason, count] : reasons) parts.push_back(std::to_string(count) + " " + reason);
  std::ranges::sort(parts);
  std::string text = "0/" + std::to_string(world.nodes.size()) + " nodes are available:";
  for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? " " : ", ") + parts[i];
  return text + ".";
}

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
    if (maker.chance(20)) change_nominations(step, name);
    check(maker.pod(step));
  }
  void change_nominations(int step, const std::string& node) {
    if (world.nominated.size() == 4) {
      Placed gone = world.nominated[static_cast<size_t>(maker.below(4))];
      std::erase_if(world.nominated, [&](const Placed& p) { return p.pod == gone.pod; });
      snapshot.drop_nomination(gone.pod->uid, gone.node);
    }
    world.nominated.push_back({maker.pod(10'000 + step), node});
    snapshot.nominate(world.nominated.back().pod, node);
  }
  void check(const PodPtr& pod) {
    std::set<std::string> expected, found;
    std::map<std::string, int> reasons;
    for (const auto& [name, object] : world.nodes) {
      std::vector<std::string> why_not = reference_rejection(world, *pod, name);
      if (why_not.empty()) expected.insert(name);
      for (const std::string& reason : why_not) ++reasons[reason];
    }
    std::vector<NodeExplanation> explained = explain(*pod, snapshot, profile);
    for (const NodeExplanation& node : explained) {
      if (node.feasible) found.insert(node.node);
    }
    ASSERT_EQ(found, expected) << pod->key;
    ASSERT_NO_FATAL_FAILURE(check_scores(*pod, expected, explained));
    Decision decision = schedule(*pod, snapshot, profile, 0, random);
    ASSERT_EQ(decision.node != nullptr, !expected.empty());
    if (!decision.node) {
      ASSERT_EQ(decision.diagnosis.message(), reference_message(world, reasons));
      return;
    }
    EXPECT_TRUE(expected.contains(decision.node->name));
    world.placed.push_back({pod, decision.node->name});
    snapshot.add_pod(pod, decision.node->name);
  }
  void check_scores(const PodInfo& pod, const std::set<std::string>& feasible,
                    const std::vector<NodeExplanation>& explained) {
    auto expected = reference_scores(world, pod, {feasible.begin(), feasible.end()});
    for (const NodeExplanation& node : explained) {
      if (!node.feasible) continue;
      std::map<std::string, int64_t> left = expected[node.node];
      for (const auto& [plugin, score] : node.scores) {
        ASSERT_EQ(score, left[std::string(plugin)]) << plugin << " " << node.node;
        left.erase(std::string(plugin));
      }
      for (const auto& [plugin, score] : left) {
        ASSERT_EQ(score, 0) << plugin << " has nothing to say of " << node.node;
      }
    }
  }

  World world;
  Snapshot snapshot;
  Profile profile = default_profile();
  Maker maker{GetParam()};
  SeededRandom random{GetParam()};
};

TEST_P(ReferenceTest, SameNodesScoresAndWordsAfterAnyHistory) {
  for (int step = 0; step < 150 && !HasFatalFailure(); ++step) event(step);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReferenceTest, testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace tiphys::scheduler
