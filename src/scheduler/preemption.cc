#include "scheduler/preemption.h"

#include <algorithm>

namespace tiphys::scheduler {
namespace {

bool more_important(const PodPtr& a, const PodPtr& b) {
  if (a->priority != b->priority) return a->priority > b->priority;
  return a->created < b->created;
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
      if (--left[i] < 0) breaks = true;
    }
    (breaks ? breaking : keeping).push_back(pod);
  }
  pods = std::move(keeping);
}

class Trial {
 public:
  Trial(const PodInfo& pod, Snapshot& snapshot, const Profile& profile, const NodeInfo& node)
      : pod_(pod), snapshot_(snapshot), profile_(profile), node_(node), name_(node.name) {}

  // Removes all that may go; if the pod then fits, takes back whom it can spare.
  std::optional<Candidate> run(const std::vector<Budget>& budgets) {
    std::vector<PodPtr> lower;
    for (const PodPtr& other : node_.pods) {
      if (other->priority < pod_.priority) lower.push_back(other);
    }
    if (lower.empty()) return std::nullopt;
    for (const PodPtr& other : lower) snapshot_.remove_pod(other->uid, name_);
    std::optional<Candidate> found;
    if (fits()) {
      found.emplace();
      found->node = name_;
      std::sort(lower.begin(), lower.end(), more_important);
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
  std::string name_;
};

// Upstream's order: fewest broken budgets, lowest top victim, smallest sum of priorities, fewest
// victims, then the one whose most important victims started last. Victims are in order.
bool better(const Candidate& a, const Candidate& b) {
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
  return a.victims[0]->created > b.victims[0]->created;
}

std::string no_help(const Diagnosis& failed) {
  std::vector<std::string> parts;
  size_t tried = failed.maybe_by_preemption.size();
  if (tried > 0) {
    parts.push_back(std::to_string(tried) + " No preemption victims found for incoming pod");
  }
  if (failed.not_by_preemption > 0) {
    parts.push_back(std::to_string(failed.not_by_preemption) +
                    " Preemption is not helpful for scheduling");
  }
  std::sort(parts.begin(), parts.end());
  std::string text = "preemption: 0/" + std::to_string(failed.all_nodes) + " nodes are available:";
  for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? " " : ", ") + parts[i];
  return text + ".";
}

}  // namespace

Candidates find_candidates(const PodInfo& pod, Snapshot& snapshot, const Diagnosis& failed,
                           const std::vector<Budget>& budgets, const Profile& profile,
                           size_t start) {
  if (failed.all_nodes == 0) return {};
  if (pod.never_preempts) {
    return {.list = {}, .message = "preemption: not eligible due to preemptionPolicy=Never."};
  }
  Candidates found;
  size_t all = failed.maybe_by_preemption.size();
  if (snapshot.lowest_priority() >= pod.priority) all = 0;
  int64_t share = int64_t{failed.all_nodes} * profile.args.min_candidate_nodes_percentage / 100;
  size_t enough =
      static_cast<size_t>(std::max<int64_t>(profile.args.min_candidate_nodes_absolute, share));
  for (size_t i = 0; i < all && found.list.size() < enough; ++i) {
    const NodeInfo& node = *failed.maybe_by_preemption[(start + i) % all];
    std::optional<Candidate> candidate = Trial(pod, snapshot, profile, node).run(budgets);
    if (candidate) found.list.push_back(std::move(*candidate));
  }
  if (found.list.empty()) found.message = no_help(failed);
  return found;
}

Preemption choose_candidate(std::vector<Candidate> list, const Snapshot& snapshot) {
  Candidate* best = nullptr;
  for (Candidate& candidate : list) {
    if (snapshot.find(candidate.node) == nullptr) continue;
    std::sort(candidate.victims.begin(), candidate.victims.end(), more_important);
    if (best == nullptr || better(candidate, *best)) best = &candidate;
  }
  if (best == nullptr) return {.message = "preemption: no candidate node for preemption"};
  return {snapshot.find(best->node), std::move(best->victims), best->violations, ""};
}

}  // namespace tiphys::scheduler
