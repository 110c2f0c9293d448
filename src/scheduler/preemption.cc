#include "scheduler/preemption.h"

#include <algorithm>
#include <limits>

namespace tiphys::scheduler {
namespace {

constexpr const char* kNoVictims = "No preemption victims found for incoming pod";
constexpr const char* kNotHelpful = "Preemption is not helpful for scheduling";

void sort_by_importance(std::vector<PodPtr>& pods, const StartTime& started) {
  std::vector<std::tuple<int64_t, MicroTime, PodPtr>> ranked;
  for (PodPtr& pod : pods) ranked.emplace_back(-int64_t{pod->priority}, started(*pod), pod);
  std::ranges::sort(ranked, {}, [](const auto& entry) {
    return std::pair(std::get<0>(entry), std::get<1>(entry));
  });
  for (size_t i = 0; i < pods.size(); ++i) pods[i] = std::move(std::get<2>(ranked[i]));
}

// Parts the pods into those whose removal breaks a budget, and the others.
void split_by_budgets(std::vector<PodPtr>& pods, const std::vector<Budget>& budgets,
                      std::vector<PodPtr>& breaking) {
  std::vector<int32_t> left;
  for (const Budget& budget : budgets) left.push_back(budget.disruptions_allowed);
  std::vector<PodPtr> keeping;
  for (const PodPtr& pod : pods) {
    bool breaks = false;
    for (size_t i = 0; i < budgets.size(); ++i) {
      const Budget& budget = budgets[i];
      if (pod->ns != budget.ns || pod->labels.empty() || !budget.match.matches(pod->labels)) {
        continue;
      }
      if (budget.disrupted.contains(pod->name)) continue;
      if (--left[i] < 0) breaks = true;
    }
    (breaks ? breaking : keeping).push_back(pod);
  }
  pods = std::move(keeping);
}

class Trial {
 public:
  Trial(const PodInfo& pod, Snapshot& snapshot, const Profile& profile, const NodeInfo& node,
        const StartTime& started)
      : pod_(pod),
        snapshot_(snapshot),
        profile_(profile),
        node_(node),
        started_(started),
        name_(node.name) {}

  // Removes all that may go; if the pod then fits, takes back whom it can spare. Otherwise notes
  // why it doesn't.
  std::optional<Candidate> run(const std::vector<Budget>& budgets, Diagnosis& why_not) {
    std::vector<PodPtr> lower;
    for (const PodPtr& other : node_.pods) {
      if (other->priority < pod_.priority) lower.push_back(other);
    }
    if (lower.empty()) {
      ++why_not.reasons[kNoVictims];
      return std::nullopt;
    }
    for (const PodPtr& other : lower) snapshot_.remove_pod(other->uid, name_);
    std::optional<Candidate> found;
    std::vector<std::string> reasons = rejection(pod_, node_, snapshot_, profile_);
    for (const std::string& reason : reasons) ++why_not.reasons[reason];
    if (reasons.empty()) {
      found.emplace();
      found->node = name_;
      sort_by_importance(lower, started_);
      std::vector<PodPtr> breaking, keeping = lower;
      split_by_budgets(keeping, budgets, breaking);
      for (const PodPtr& other : breaking) found->violations += spare(other, *found) ? 0 : 1;
      for (const PodPtr& other : keeping) spare(other, *found);
      for (const PodPtr& victim : found->victims) snapshot_.add_pod(victim, name_);
    } else {
      for (const PodPtr& other : lower) snapshot_.add_pod(other, name_);
    }
    return found;
  }

 private:
  bool fits() const {
    const NodeInfo* node = &node_;
    return fits_any(pod_, {&node, 1}, snapshot_, profile_);
  }
  bool spare(const PodPtr& other, Candidate& candidate) {
    snapshot_.add_pod(other, name_);
    if (fits()) return true;
    snapshot_.remove_pod(other->uid, name_);
    candidate.victims.push_back(other);
    return false;
  }
  const PodInfo& pod_;
  Snapshot& snapshot_;
  const Profile& profile_;
  const NodeInfo& node_;
  const StartTime& started_;
  std::string name_;
};

// Upstream's order: fewest broken budgets, lowest top victim, smallest sum of priorities, fewest
// victims, then the one whose most important victims started last. Victims are in order.
bool better(const Candidate& a, const Candidate& b, const StartTime& started) {
  auto sum = [](const Candidate& c) {
    int64_t total = 0;
    for (const PodPtr& pod : c.victims) total += int64_t{pod->priority} + (int64_t{1} << 31);
    return total;
  };
  if (a.violations != b.violations) return a.violations < b.violations;
  if (a.victims.empty() || b.victims.empty()) return a.victims.size() < b.victims.size();
  int32_t top_a = a.victims[0]->priority, top_b = b.victims[0]->priority;
  if (top_a != top_b) return top_a < top_b;
  if (sum(a) != sum(b)) return sum(a) < sum(b);
  if (a.victims.size() != b.victims.size()) return a.victims.size() < b.victims.size();
  return started(*a.victims[0]) > started(*b.victims[0]);
}

// Nothing helps; `why_not` has the nodes that were tried.
Candidates hopeless(Diagnosis why_not, const Diagnosis& failed) {
  why_not.all_nodes = failed.all_nodes;
  if (failed.not_by_preemption > 0) why_not.reasons[kNotHelpful] += failed.not_by_preemption;
  return {.list = {}, .message = "preemption: " + why_not.message(), .hopeless = true};
}

}  // namespace

MicroTime start_time(const core_v1::Pod& pod) {
  return pod.status().has_start_time() ? pod.status().start_time()
                                       : std::numeric_limits<MicroTime>::max();
}

Candidates find_candidates(const PodInfo& pod, Snapshot& snapshot, const Diagnosis& failed,
                           const std::vector<Budget>& budgets, const Profile& profile, size_t start,
                           const StartTime& started) {
  if (failed.all_nodes == 0) return {};
  if (pod.never_preempts) {
    return {.list = {}, .message = "preemption: not eligible due to preemptionPolicy=Never."};
  }
  Candidates found;
  Diagnosis why_not;
  size_t all = failed.maybe_by_preemption.size();
  if (snapshot.lowest_priority() >= pod.priority) {
    if (all > 0) why_not.reasons[kNoVictims] = static_cast<int>(all);
    return hopeless(std::move(why_not), failed);
  }
  size_t share = all * static_cast<size_t>(profile.args.min_candidate_nodes_percentage) / 100;
  size_t enough = std::max(static_cast<size_t>(profile.args.min_candidate_nodes_absolute), share);
  bool harmless = false;  // budgets are broken only if all candidates break them
  for (size_t i = 0; i < all && !(harmless && found.list.size() >= enough); ++i) {
    const NodeInfo& node = *failed.maybe_by_preemption[(start + i) % all];
    Trial trial(pod, snapshot, profile, node, started);
    std::optional<Candidate> candidate = trial.run(budgets, why_not);
    if (!candidate) continue;
    harmless = harmless || candidate->violations == 0;
    found.list.push_back(std::move(*candidate));
  }
  return found.list.empty() ? hopeless(std::move(why_not), failed) : found;
}

Preemption choose_candidate(std::vector<Candidate> list, const Snapshot& snapshot,
                            const StartTime& started) {
  Candidate* best = nullptr;
  for (Candidate& candidate : list) {
    if (snapshot.find(candidate.node) == nullptr) continue;
    sort_by_importance(candidate.victims, started);
    if (best == nullptr || better(candidate, *best, started)) best = &candidate;
  }
  if (best == nullptr) return {.message = "preemption: no candidate node for preemption"};
  return {snapshot.find(best->node), std::move(best->victims), best->violations, ""};
}

}  // namespace tiphys::scheduler
