// Preemption against a slow reference over small random clusters: the same victims, by upstream's
// rules and order.
#include "scheduler/preemption.h"

#include "scheduler/reference_test.h"

namespace tiphys::scheduler {
namespace {

// What it costs to make room on a node; smaller is better, in this order.
struct Price {
  int64_t broken_budgets = 0;
  int32_t top_priority = 0;
  int64_t sum = 0;
  size_t count = 0;
  int64_t minus_start = 0;  // of the most important victim: the later, the better
  auto operator<=>(const Price&) const = default;
};

struct Offer {
  std::set<std::string> victims;  // names
  Price price;
};

bool before(const PodPtr& a, const PodPtr& b) {
  return std::pair(-int64_t{a->priority}, known_start_time(*a)) <
         std::pair(-int64_t{b->priority}, known_start_time(*b));
}

bool holds(const std::vector<PodPtr>& list, const PodPtr& pod) {
  return std::ranges::find(list, pod) != list.end();
}

World without(const World& world, const std::vector<PodPtr>& gone) {
  World left = world;
  std::erase_if(left.placed, [&](const Placed& p) { return holds(gone, p.pod); });
  return left;
}

// Pods whose removal breaks a budget, if all `lower` go one after another.
std::vector<PodPtr> guarded(const std::vector<PodPtr>& lower, const std::vector<Budget>& budgets) {
  std::vector<PodPtr> found;
  std::map<const Budget*, int32_t> used;
  for (const PodPtr& pod : lower) {
    bool breaks = false;
    for (const Budget& budget : budgets) {
      bool counts = budget.ns == pod->ns && budget.match.matches(pod->labels) &&
                    !budget.disrupted.contains(pod->name);
      if (counts && ++used[&budget] > budget.disruptions_allowed) breaks = true;
    }
    if (breaks) found.push_back(pod);
  }
  return found;
}

std::optional<Offer> reference_offer(const World& world, const PodInfo& pod,
                                     const std::string& node, const std::vector<Budget>& budgets) {
  std::vector<PodPtr> lower;
  for (const Placed& p : world.placed) {
    if (p.node == node && p.pod->priority < pod.priority) lower.push_back(p.pod);
  }
  if (lower.empty() || !reference_fits(without(world, lower), pod, node)) return std::nullopt;
  std::ranges::sort(lower, before);
  std::vector<PodPtr> first = guarded(lower, budgets), order = first, victims = lower;
  for (const PodPtr& other : lower) {
    if (!holds(first, other)) order.push_back(other);
  }
  for (const PodPtr& spared : order) {
    std::vector<PodPtr> fewer = victims;
    std::erase(fewer, spared);
    if (reference_fits(without(world, fewer), pod, node)) victims = fewer;
  }
  Offer offer;
  for (const PodPtr& victim : victims) {
    offer.victims.insert(std::string(victim->name));
    offer.price.broken_budgets += holds(first, victim) ? 1 : 0;
    offer.price.sum += int64_t{victim->priority} + (int64_t{1} << 31);
  }
  if (victims.empty()) return offer;
  offer.price.top_priority = victims[0]->priority;
  offer.price.count = victims.size();
  offer.price.minus_start = -known_start_time(*victims[0]);
  return offer;
}

class PreemptionReference : public testing::TestWithParam<uint64_t> {
 protected:
  void populate() {
    maker.priorities = 4;
    for (int i = 0; i < 4; ++i) {
      std::string name = "n" + std::to_string(i);
      world.nodes[name] = maker.node(name);
      snapshot.set_node(world.nodes[name]);
    }
    for (int i = 0; i < 30; ++i) {
      PodPtr pod = maker.pod(i);
      Decision decision = schedule(*pod, snapshot, profile, 0, random);
      if (decision.node == nullptr) continue;
      world.placed.push_back({pod, decision.node->name});
      snapshot.add_pod(pod, decision.node->name);
    }
    for (int i = 50; i < 53; ++i) {
      world.nominated.push_back({maker.pod(i), maker.number("n", 4)});
      snapshot.nominate(world.nominated.back().pod, world.nominated.back().node);
    }
    for (int i = 0; i < 2; ++i) {
      LabelMatch match{{{"app", Requirement::Operator::kIn, {maker.number("a", 3)}}}};
      budgets.push_back({maker.number("ns", 2), match, maker.below(3), {}});
    }
  }
  void check(const PodPtr& pod) {
    Decision decision = schedule(*pod, snapshot, profile, 0, random);
    if (decision.node != nullptr) return;
    std::map<std::string, Offer> offers;
    for (const auto& [name, object] : world.nodes) {
      std::vector<std::string> reasons = reference_rejection(world, *pod, name);
      auto offer = reference_offer(world, *pod, name, budgets);
      if (offer) offers.emplace(name, *offer);
    }
    Candidates found =
        find_candidates(*pod, snapshot, decision.diagnosis, budgets, profile, maker.below(9));
    for (const Candidate& candidate : found.list) {
      ASSERT_TRUE(offers.contains(candidate.node)) << pod->key << " " << candidate.node;
      EXPECT_EQ(names(candidate.victims), offers[candidate.node].victims) << candidate.node;
      EXPECT_EQ(candidate.violations, offers[candidate.node].price.broken_budgets);
    }
    check_choice(*pod, std::move(found), offers);
    Decision again = schedule(*pod, snapshot, profile, 0, random);
    EXPECT_EQ(again.diagnosis.message(), decision.diagnosis.message()) << "a trial leaves no trace";
  }
  void check_choice(const PodInfo& pod, Candidates found, std::map<std::string, Offer>& offers) {
    // Nodes that no removal helps, by the words of the filters, were left out of the search.
    std::set<std::string> searched;
    for (const Candidate& candidate : found.list) searched.insert(candidate.node);
    std::erase_if(offers, [&](const auto& offer) {
      return !searched.contains(offer.first) && is_unresolvable(pod, offer.first);
    });
    EXPECT_EQ(found.list.size(), offers.size()) << pod.key;
    EXPECT_EQ(found.hopeless, found.list.empty());
    if (found.list.empty()) return;
    ++preemptions;
    Preemption chosen = choose_candidate(std::move(found.list), snapshot);
    ASSERT_NE(chosen.node, nullptr);
    Price best = offers.begin()->second.price;
    for (const auto& [name, offer] : offers) best = std::min(best, offer.price);
    EXPECT_TRUE(offers[chosen.node->name].price == best) << pod.key << " " << chosen.node->name;
    EXPECT_EQ(names(chosen.victims), offers[chosen.node->name].victims);
  }
  bool is_unresolvable(const PodInfo& pod, const std::string& node) {
    std::vector<std::string> words = reference_rejection(world, pod, node);
    return std::ranges::any_of(words, [](const std::string& word) {
      return word.find("pod affinity rules") != word.npos || word.find("missing") != word.npos ||
             word.find("Insufficient") != word.npos || word.find("taint") != word.npos ||
             word.find("selector") != word.npos || word.find("unschedulable") != word.npos;
    });
  }
  static std::set<std::string> names(const std::vector<PodPtr>& pods) {
    std::set<std::string> set;
    for (const PodPtr& pod : pods) set.insert(std::string(pod->name));
    return set;
  }

  World world;
  Snapshot snapshot;
  Profile profile = default_profile();
  std::vector<Budget> budgets;
  Maker maker{GetParam()};
  SeededRandom random{GetParam()};
  int preemptions = 0;
};

TEST_P(PreemptionReference, SameVictimsOnTheSameNodes) {
  populate();
  for (int i = 100; i < 140 && !HasFailure(); ++i) check(maker.pod(i));
  EXPECT_GT(preemptions, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PreemptionReference, testing::Range<uint64_t>(1, 31));

// ---- words ----

TEST(Preemption, SaysWhatWouldStillBeMissing) {
  Snapshot snapshot;
  snapshot.set_node(node_object({.name = "a"}));
  snapshot.set_node(node_object({.name = "b"}));
  snapshot.set_node(node_object({.name = "c", .spec = R"("unschedulable":true)"}));
  auto place = [&](const char* name, const char* cpu, int priority, const char* node) {
    std::string requests = R"({"cpu":")" + std::string(cpu) + "\"}";
    std::string spec = R"("priority":)" + std::to_string(priority);
    snapshot.add_pod(make_pod({.name = name, .requests = requests, .spec = spec}), node);
  };
  place("peer", "2", 10, "a");
  place("low", "1", 0, "a");
  place("equal", "3", 10, "b");
  PodPtr pod = make_pod({.requests = R"({"cpu":"3"})", .spec = R"("priority":10)"});
  Profile profile = default_profile();
  SeededRandom random(1);
  Decision decision = schedule(*pod, snapshot, profile, 0, random);
  EXPECT_EQ(
      find_candidates(*pod, snapshot, decision.diagnosis, {}, profile, 0).message,
      "preemption: 0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found "
      "for incoming pod, 1 Preemption is not helpful for scheduling.");
}

TEST(Preemption, EvictedOnesOfABudgetAreNotCountedTwice) {
  Snapshot snapshot;
  snapshot.set_node(
      node_object({.name = "a", .allocatable = R"({"cpu":"1","memory":"8Gi","pods":"110"})"}));
  snapshot.add_pod(
      make_pod({.name = "low", .labels = R"({"app":"x"})", .requests = R"({"cpu":"1"})"}), "a");
  PodPtr pod = make_pod({.requests = R"({"cpu":"1"})", .spec = R"("priority":10)"});
  Profile profile = default_profile();
  SeededRandom random(1);
  Decision decision = schedule(*pod, snapshot, profile, 0, random);
  Budget budget{"default", {{{"app", Requirement::Operator::kExists, {}}}}, 0, {}};
  EXPECT_EQ(
      find_candidates(*pod, snapshot, decision.diagnosis, {budget}, profile, 0).list[0].violations,
      1);
  budget.disrupted.insert("low");
  EXPECT_EQ(
      find_candidates(*pod, snapshot, decision.diagnosis, {budget}, profile, 0).list[0].violations,
      0);
}

}  // namespace
}  // namespace tiphys::scheduler
