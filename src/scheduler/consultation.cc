#include "scheduler/consultation.h"

#include <algorithm>

#include "kinds/metadata.h"

namespace tiphys::scheduler {
namespace {

constexpr int kMaxSecondLooks = 16;  // at nodes that fitted before

std::vector<std::string> names_of(const std::vector<const NodeInfo*>& nodes) {
  std::vector<std::string> names;
  for (const NodeInfo* node : nodes) names.push_back(node->name);
  return names;
}

std::vector<ObjectPtr> objects_of(const std::vector<const NodeInfo*>& nodes) {
  std::vector<ObjectPtr> objects;
  for (const NodeInfo* node : nodes) objects.push_back(node->object);
  return objects;
}

std::vector<const NodeInfo*> present(const std::vector<std::string>& names,
                                     const Snapshot& snapshot) {
  std::vector<const NodeInfo*> nodes;
  for (const std::string& name : names) {
    if (const NodeInfo* node = snapshot.find(name)) nodes.push_back(node);
  }
  return nodes;
}

// The diagnosis of a search whose every feasible node the extenders took away. A node that went
// without a word counts as one that preemption doesn't help.
void note_rejections(const std::vector<ObjectPtr>& offered, const Filtered& filtered,
                     std::vector<std::string>& maybe_by_preemption, Diagnosis& diagnosis) {
  diagnosis.plugins.push_back(kExtenderName);
  for (const ObjectPtr& node : offered) {
    std::string name(name_of(*node));
    auto at = filtered.rejected.find(name);
    bool silent = at == filtered.rejected.end();
    if (!silent) ++diagnosis.reasons[at->second.reason];
    if (silent || at->second.unresolvable) {
      ++diagnosis.not_by_preemption;
    } else {
      maybe_by_preemption.push_back(name);
    }
  }
}

// Nodes and their scores so far.
struct Scored {
  std::vector<ObjectPtr> nodes;
  std::vector<int64_t> scores;
};

// Those of the nodes that are still there.
Scored score(Cache& cache, const PodPtr& pod, const Profile& profile,
             const std::vector<std::string>& names) {
  const Snapshot& snapshot = cache.snapshot();
  std::vector<const NodeInfo*> nodes = present(names, snapshot);
  Scored scored{.nodes = objects_of(nodes), .scores = std::vector<int64_t>(nodes.size())};
  if (nodes.size() > 1) {
    scored.scores = total_scores(*pod, snapshot, profile, nodes);
  }
  return scored;
}

void add(const std::map<std::string, int64_t>& more, Scored& scored) {
  for (size_t i = 0; i < scored.nodes.size(); ++i) {
    auto at = more.find(std::string(name_of(*scored.nodes[i])));
    if (at != more.end()) scored.scores[i] = saturating_add(scored.scores[i], at->second);
  }
}

// Of the nodes that are there and fit now.
const NodeInfo* pick_fitting(const PodInfo& pod, Snapshot& snapshot, const Profile& profile,
                             const Scored& scored, Random& random) {
  std::vector<const NodeInfo*> nodes;
  std::vector<int64_t> scores;
  for (size_t i = 0; i < scored.nodes.size(); ++i) {
    const NodeInfo* node = snapshot.find(name_of(*scored.nodes[i]));
    if (node == nullptr) continue;
    nodes.push_back(node);
    scores.push_back(scored.scores[i]);
  }
  for (int looks = 0; !nodes.empty() && looks < kMaxSecondLooks; ++looks) {
    const NodeInfo* best = pick_best(nodes, scores, random);
    if (fits_any(pod, {&best, 1}, snapshot, profile)) return best;
    auto at = std::ranges::find(nodes, best) - nodes.begin();
    nodes.erase(nodes.begin() + at);
    scores.erase(scores.begin() + at);
  }
  return nullptr;
}

// What plugins and extenders let through.
struct Round {
  Consultation made;
  std::vector<std::string> passed;
  bool nominated_alone = false;  // no other node was looked at
};

Task<Round> filter(ExtenderCalls& extenders, Cache& cache, PodPtr pod, const Profile& profile,
                   size_t start, std::string nominated) {
  Snapshot& snapshot = cache.snapshot();
  MonoTime started = extenders.now();
  Feasible found = find_feasible(*pod, snapshot, profile, start, nominated);
  Round round;
  round.made.filtering = extenders.now() - started;
  Decision& decision = round.made.decision;
  decision.evaluated = found.evaluated;
  decision.next_start = found.next_start;
  decision.diagnosis = std::move(found.diagnosis);
  if (found.nodes.empty()) co_return round;

  round.nominated_alone = found.nodes.size() == 1 && found.nodes[0]->name == nominated;
  std::vector<ObjectPtr> offered = objects_of(found.nodes);
  found.nodes.clear();
  std::vector<std::string> maybe = names_of(decision.diagnosis.maybe_by_preemption);
  decision.diagnosis.maybe_by_preemption.clear();
  Result<Filtered> filtered = co_await extenders.filter(pod, offered);
  if (!filtered) {
    round.made.error = filtered.error();
    co_return round;
  }
  decision.feasible = static_cast<int>(filtered->nodes.size());
  if (filtered->nodes.empty()) {
    note_rejections(offered, *filtered, maybe, decision.diagnosis);
    decision.diagnosis.maybe_by_preemption = present(maybe, snapshot);
  }
  round.passed = std::move(filtered->nodes);
  co_return round;
}

}  // namespace

Task<Consultation> consult(ExtenderCalls& extenders, Cache& cache, PodPtr pod,
                           const Profile& profile, size_t start, Random& random) {
  std::string nominated = cache.nominated_node(pod->uid);
  Round round = co_await filter(extenders, cache, pod, profile, start, nominated);
  if (round.passed.empty() && round.nominated_alone) {
    round = co_await filter(extenders, cache, pod, profile, start, "");
  }
  Consultation made = std::move(round.made);
  if (round.passed.empty()) co_return made;
  MonoTime started = extenders.now();
  Scored scored = score(cache, pod, profile, round.passed);
  made.scoring = extenders.now() - started;
  if (scored.nodes.size() > 1) {
    std::map<std::string, int64_t> more = co_await extenders.prioritize(pod, scored.nodes);
    add(more, scored);
  }
  made.decision.node = pick_fitting(*pod, cache.snapshot(), profile, scored, random);
  made.overtaken = made.decision.node == nullptr;
  co_return made;
}

}  // namespace tiphys::scheduler
