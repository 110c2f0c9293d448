#include "scheduler/schedule.h"

#include <algorithm>

namespace tiphys::scheduler {
namespace {

constexpr size_t kMinFeasibleNodes = 100;

struct Prepared {
  const Plugin* plugin;
  std::unique_ptr<Checker> checker;
};

struct Checkers {
  std::vector<Prepared> list;
  const Plugin* refused_by = nullptr;  // the first that takes no node; the list is then not whole
  Preparation refusal;
};

using Code = Verdict::Code;

std::string_view status_text(Code code) {
  if (code == Code::kFits) return "Success";
  return code == Code::kUnschedulable ? "Unschedulable" : "UnschedulableAndUnresolvable";
}

class TimedChecker : public Checker {
 public:
  TimedChecker(std::unique_ptr<Checker> timed, std::string_view plugin, PluginObserver& observer)
      : timed_(std::move(timed)), plugin_(plugin), observer_(observer) {}
  Verdict check(const NodeInfo& node) const override {
    MonoTime from = observer_.now();
    Verdict verdict = timed_->check(node);
    observer_.took(plugin_, "Filter", status_text(verdict.code), observer_.now() - from);
    return verdict;
  }
  const std::vector<std::string>* only_nodes() const override { return timed_->only_nodes(); }

 private:
  std::unique_ptr<Checker> timed_;
  std::string_view plugin_;
  PluginObserver& observer_;
};

std::string_view status_text(const Preparation& made) {
  if (made.refusal.empty()) return made.checker ? "Success" : "Skip";
  return status_text(made.preemption_may_help ? Code::kUnschedulable : Code::kUnresolvable);
}

// make_checker(), as the observer wants to know it; null: nobody does.
Preparation prepare(const Plugin& plugin, const Query& query, PluginObserver* observer) {
  if (observer == nullptr) return plugin.make_checker(query);
  bool timed = observer->timed();
  MonoTime from = timed ? observer->now() : MonoTime();
  Preparation made = plugin.make_checker(query);
  std::string_view status = status_text(made);
  if (timed) observer->took(plugin.name, "PreFilter", status, observer->now() - from);
  if (status != "Skip") observer->asked(plugin.name, "PreFilter", 1);
  if (timed && made.checker) {
    made.checker = std::make_unique<TimedChecker>(std::move(made.checker), plugin.name, *observer);
  }
  return made;
}

Checkers prepare_checkers(const Query& query, const Profile& profile,
                          PluginObserver* observer = nullptr) {
  Checkers checkers;
  for (const Plugin* plugin : profile.filters) {
    Preparation made = prepare(*plugin, query, observer);
    if (!made.refusal.empty()) {
      checkers.refused_by = plugin;
      checkers.refusal = std::move(made);
      return checkers;
    }
    if (made.checker) checkers.list.push_back({plugin, std::move(made.checker)});
  }
  return checkers;
}

// The first plugin that rejects the node; null: it fits.
const Plugin* first_rejection(const std::vector<Prepared>& checkers, const NodeInfo& node,
                              Verdict& verdict) {
  for (const Prepared& prepared : checkers) {
    verdict = prepared.checker->check(node);
    if (!verdict.fits()) return prepared.plugin;
  }
  return nullptr;
}

// While it lives the snapshot shows the pods nominated for the node there that `pod` yields to.
class WithNominated {
 public:
  WithNominated(const PodInfo& pod, const NodeInfo& node, Snapshot& snapshot)
      : node_(node), snapshot_(snapshot) {
    for (const PodPtr& other : node.nominated) {
      if (other->priority >= pod.priority && other->uid != pod.uid) added_.push_back(other);
    }
    for (const PodPtr& other : added_) snapshot_.add_pod(other, node_.name);
  }
  ~WithNominated() {
    for (const PodPtr& other : added_) snapshot_.remove_pod(other->uid, node_.name);
  }
  WithNominated(const WithNominated&) = delete;
  WithNominated& operator=(const WithNominated&) = delete;
  bool any() const { return !added_.empty(); }

 private:
  const NodeInfo& node_;
  Snapshot& snapshot_;
  std::vector<PodPtr> added_;
};

// The filters, prepared for one pod. A node has to pass them with the pods that are nominated for
// it and without: they may be needed (affinity), or never come.
class Filters {
 public:
  Filters(const PodInfo& pod, Snapshot& snapshot, const Profile& profile,
          PluginObserver* observer = nullptr)
      : pod_(pod),
        snapshot_(snapshot),
        profile_(profile),
        nominations_(snapshot.has_nominations()),
        alone_(prepare_checkers({pod, snapshot, profile.args}, profile, observer)) {}
  const Checkers& checkers() const { return alone_; }

  // The first plugin that rejects the node; null: it fits. Requires: none refuses all nodes. The
  // verdict is valid until the next call.
  const Plugin* rejection(const NodeInfo& node, Verdict& verdict) {
    if (nominations_) [[unlikely]] {
      if (const Plugin* by = rejection_with_nominated(node, verdict)) return by;
    }
    return first_rejection(alone_.list, node, verdict);
  }

 private:
  [[gnu::noinline]] const Plugin* rejection_with_nominated(const NodeInfo& node, Verdict& verdict) {
    if (node.nominated.empty()) return nullptr;
    WithNominated with(pod_, node, snapshot_);
    if (!with.any()) return nullptr;
    together_ = prepare_checkers({pod_, snapshot_, profile_.args}, profile_);
    if (together_.refused_by == nullptr) return first_rejection(together_.list, node, verdict);
    const Preparation& made = together_.refusal;
    verdict = Verdict::no(made.preemption_may_help ? Code::kUnschedulable : Code::kUnresolvable,
                          made.refusal);
    return together_.refused_by;
  }

  const PodInfo& pod_;
  Snapshot& snapshot_;
  const Profile& profile_;
  const bool nominations_;  // none is the rule: then the nodes aren't asked (a cache miss each)
  Checkers alone_;
  Checkers together_;  // of the last node with nominated pods: they own the verdict's words
};

// One search for feasible nodes, with notes on why the others are not.
class Search {
 public:
  Search(const Snapshot& snapshot, Filters& filters) : snapshot_(snapshot), filters_(filters) {
    diagnosis.all_nodes = static_cast<int>(snapshot.nodes().size());
  }

  void look_at(const NodeInfo& node) {
    ++evaluated;
    Verdict verdict;
    const Plugin* by = filters_.rejection(node, verdict);
    if (by == nullptr) {
      feasible.push_back(&node);
      return;
    }
    reject(*by, verdict, node);
  }
  // How often each filter was asked: those before it let the node through.
  void tell(PluginObserver& observer) const {
    int64_t left = evaluated;
    for (const Prepared& prepared : filters_.checkers().list) {
      observer.asked(prepared.plugin->name, "Filter", left);
      auto at = rejected_.find(prepared.plugin);
      if (at != rejected_.end()) left -= at->second;
    }
  }
  // Looks at named nodes only, if a plugin asks for that.
  bool look_at_named() {
    std::vector<std::string_view> by;
    std::optional<std::set<std::string_view>> names;
    for (const Prepared& prepared : filters_.checkers().list) {
      const std::vector<std::string>* only = prepared.checker->only_nodes();
      if (only == nullptr) continue;
      by.push_back(prepared.plugin->name);
      names.emplace(only->begin(), only->end());
    }
    if (!names) return false;
    for (std::string_view name : *names) {
      if (const NodeInfo* node = snapshot_.find(name)) look_at(*node);
    }
    note_the_others(by);
    return true;
  }

  std::vector<const NodeInfo*> feasible;
  int evaluated = 0;
  Diagnosis diagnosis;

 private:
  void note_the_others(const std::vector<std::string_view>& by) {
    int others = diagnosis.all_nodes - evaluated;
    if (others == 0) return;
    std::string plugins;
    for (std::string_view name : by) {
      plugins.append(plugins.empty() ? "" : " ").append(name);
      note_plugin(name);
    }
    diagnosis.reasons["node(s) didn't satisfy plugin(s) [" + plugins + "]"] += others;
    diagnosis.not_by_preemption += others;
  }
  void reject(const Plugin& by, const Verdict& verdict, const NodeInfo& node) {
    for (uint8_t i = 0; i < verdict.count; ++i) count(verdict.reasons[i]);
    if (rejected_[&by]++ == 0) note_plugin(by.name);
    if (verdict.code == Verdict::Code::kUnschedulable) {
      diagnosis.maybe_by_preemption.push_back(&node);
    } else {
      ++diagnosis.not_by_preemption;
    }
  }
  // Most nodes are rejected for the same few reasons: found by address before by text.
  void count(std::string_view reason) {
    for (auto& [address, counted] : known_) {
      if (address == reason.data() && counted->first == reason) {
        ++counted->second;
        return;
      }
    }
    auto counted = diagnosis.reasons.try_emplace(std::string(reason)).first;
    ++counted->second;
    known_.emplace_back(reason.data(), &*counted);
  }
  void note_plugin(std::string_view name) {
    auto& list = diagnosis.plugins;
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  }

  const Snapshot& snapshot_;
  Filters& filters_;
  std::map<const Plugin*, int64_t> rejected_;  // nodes
  std::vector<std::pair<const char*, std::map<std::string, int>::value_type*>> known_;
};

Diagnosis refused(const Checkers& checkers, const std::vector<const NodeInfo*>& nodes) {
  Diagnosis diagnosis;
  diagnosis.all_nodes = static_cast<int>(nodes.size());
  diagnosis.refusal = checkers.refusal.refusal;
  diagnosis.plugins.push_back(checkers.refused_by->name);
  if (checkers.refusal.preemption_may_help) {
    diagnosis.maybe_by_preemption = nodes;
  } else {
    diagnosis.not_by_preemption = diagnosis.all_nodes;
  }
  return diagnosis;
}

std::vector<std::string> reasons_of(const Preparation& made, const NodeInfo& node) {
  if (!made.refusal.empty()) return {made.refusal};
  std::vector<std::string> reasons;
  if (!made.checker) return reasons;
  Verdict verdict = made.checker->check(node);
  for (uint8_t i = 0; i < verdict.count; ++i) reasons.emplace_back(verdict.reasons[i]);
  return reasons;
}

}  // namespace

size_t enough_nodes(size_t all, int percentage) {
  if (all < kMinFeasibleNodes) return all;
  if (percentage <= 0) percentage = std::max(5, 50 - static_cast<int>(all / 125));
  if (percentage >= 100) return all;
  return std::max(kMinFeasibleNodes, all * static_cast<size_t>(percentage) / 100);
}

std::string Diagnosis::message() const {
  if (all_nodes == 0) return "no nodes available to schedule pods";
  std::string text = "0/" + std::to_string(all_nodes) + " nodes are available:";
  if (!refusal.empty()) return text + " " + refusal + ".";
  std::vector<std::string> parts;
  for (const auto& [reason, nodes] : reasons) {
    parts.push_back(std::to_string(nodes) + " " + reason);
  }
  std::sort(parts.begin(), parts.end());
  for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? " " : ", ") + parts[i];
  return parts.empty() ? text : text + ".";
}

Feasible find_feasible(const PodInfo& pod, Snapshot& snapshot, const Profile& profile, size_t start,
                       std::string_view nominated, PluginObserver* observer) {
  Feasible answer;
  const std::vector<const NodeInfo*>& nodes = snapshot.nodes();
  if (nodes.empty()) return answer;
  snapshot.topology().trim();
  Filters filters(pod, snapshot, profile, observer);
  if (filters.checkers().refused_by != nullptr) {
    answer.next_start = start;
    answer.diagnosis = refused(filters.checkers(), nodes);
    return answer;
  }
  const NodeInfo* kept = nominated.empty() ? nullptr : snapshot.find(nominated);
  Verdict verdict;
  if (kept != nullptr && filters.rejection(*kept, verdict) == nullptr) {
    return {.nodes = {kept}, .evaluated = 1, .next_start = start, .diagnosis = {}};
  }
  Search search(snapshot, filters);
  start %= nodes.size();
  answer.next_start = start;
  if (!search.look_at_named()) {
    size_t enough = enough_nodes(nodes.size(), profile.percentage_of_nodes_to_score);
    size_t looked = 0;
    for (; looked < nodes.size() && search.feasible.size() < enough; ++looked) {
      size_t at = start + looked;
      search.look_at(*nodes[at < nodes.size() ? at : at - nodes.size()]);
    }
    answer.next_start = (start + looked) % nodes.size();
  }
  if (observer != nullptr) search.tell(*observer);
  answer.nodes = std::move(search.feasible);
  answer.evaluated = search.evaluated;
  answer.diagnosis = std::move(search.diagnosis);
  return answer;
}

// Scores are too quick to time one by one: each counts with the mean.
static void tell_scored(PluginObserver& observer, std::string_view plugin, size_t nodes,
                        MonoTime from) {
  observer.asked(plugin, "Score", static_cast<int64_t>(nodes));
  if (!observer.timed() || nodes == 0) return;
  Duration each = (observer.now() - from) / static_cast<int64_t>(nodes);
  for (size_t i = 0; i < nodes; ++i) observer.took(plugin, "Score", "Success", each);
}

std::vector<int64_t> total_scores(const PodInfo& pod, const Snapshot& snapshot,
                                  const Profile& profile, std::span<const NodeInfo* const> nodes,
                                  PluginObserver* observer) {
  std::vector<int64_t> totals(nodes.size()), scores(nodes.size());
  Query query{pod, snapshot, profile.args};
  for (const auto& [plugin, weight] : profile.scorers) {
    std::unique_ptr<Scorer> scorer = plugin->make_scorer(query, nodes);
    if (!scorer) continue;
    MonoTime from = observer != nullptr && observer->timed() ? observer->now() : MonoTime();
    for (size_t i = 0; i < nodes.size(); ++i) scores[i] = scorer->score(*nodes[i]);
    if (observer != nullptr) tell_scored(*observer, plugin->name, nodes.size(), from);
    scorer->normalize(nodes, scores);
    for (size_t i = 0; i < nodes.size(); ++i) totals[i] += scores[i] * weight;
  }
  return totals;
}

const NodeInfo* pick_best(std::span<const NodeInfo* const> nodes, std::span<const int64_t> scores,
                          Random& random) {
  int64_t best = *std::max_element(scores.begin(), scores.end());
  auto ties = static_cast<uint64_t>(std::count(scores.begin(), scores.end(), best));
  uint64_t chosen = random.below(ties);  // once: with the system's randomness it is not cheap
  for (size_t i = 0;; ++i) {
    if (scores[i] == best && chosen-- == 0) return nodes[i];
  }
}

Decision schedule(const PodInfo& pod, Snapshot& snapshot, const Profile& profile, size_t start,
                  Random& random) {
  Feasible found = find_feasible(pod, snapshot, profile, start);
  Decision decision;
  decision.evaluated = found.evaluated;
  decision.feasible = static_cast<int>(found.nodes.size());
  decision.next_start = found.next_start;
  decision.diagnosis = std::move(found.diagnosis);
  if (found.nodes.size() == 1) {
    decision.node = found.nodes[0];
  } else if (!found.nodes.empty()) {
    decision.node =
        pick_best(found.nodes, total_scores(pod, snapshot, profile, found.nodes), random);
  }
  return decision;
}

bool fits_any(const PodInfo& pod, std::span<const NodeInfo* const> nodes, Snapshot& snapshot,
              const Profile& profile) {
  Filters filters(pod, snapshot, profile);
  if (filters.checkers().refused_by != nullptr) return false;
  Verdict verdict;
  return std::ranges::any_of(
      nodes, [&](const NodeInfo* node) { return filters.rejection(*node, verdict) == nullptr; });
}

bool worth_a_try(const PodInfo& pod, std::span<const NodeInfo* const> nodes, Snapshot& snapshot,
                 const Profile& profile, std::span<const std::string_view> rejected_by) {
  auto is_news = [&](const Plugin& plugin) {
    return !plugin.node_local && std::ranges::find(rejected_by, plugin.name) == rejected_by.end();
  };
  Filters filters(pod, snapshot, profile);
  if (const Plugin* by = filters.checkers().refused_by) return is_news(*by);
  Verdict verdict;
  return std::ranges::any_of(nodes, [&](const NodeInfo* node) {
    const Plugin* by = filters.rejection(*node, verdict);
    return by == nullptr || is_news(*by);
  });
}

std::vector<std::string> rejection(const PodInfo& pod, const NodeInfo& node, Snapshot& snapshot,
                                   const Profile& profile) {
  Filters filters(pod, snapshot, profile);
  if (filters.checkers().refused_by != nullptr) return {filters.checkers().refusal.refusal};
  Verdict verdict;
  if (filters.rejection(node, verdict) == nullptr) return {};
  return {verdict.reasons.begin(), verdict.reasons.begin() + verdict.count};
}

namespace {

// Here every plugin has its say, whoever refused before it.
using Opinions = std::vector<std::pair<const Plugin*, Preparation>>;

Opinions ask_all(const Query& query, const Profile& profile) {
  Opinions opinions;
  for (const Plugin* plugin : profile.filters) {
    opinions.emplace_back(plugin, plugin->make_checker(query));
  }
  return opinions;
}

std::vector<NodeExplanation::Entry> rejections_of(const Opinions& opinions, const NodeInfo& node) {
  std::vector<NodeExplanation::Entry> found;
  for (const auto& [plugin, made] : opinions) {
    std::vector<std::string> reasons = reasons_of(made, node);
    if (!reasons.empty()) found.push_back({plugin->name, std::move(reasons)});
  }
  return found;
}

std::vector<NodeExplanation::Entry> rejections_with_nominated(const PodInfo& pod,
                                                              const NodeInfo& node,
                                                              Snapshot& snapshot,
                                                              const Profile& profile) {
  WithNominated with(pod, node, snapshot);
  if (!with.any()) return {};
  return rejections_of(ask_all({pod, snapshot, profile.args}, profile), node);
}

}  // namespace

std::vector<NodeExplanation> explain(const PodInfo& pod, Snapshot& snapshot,
                                     const Profile& profile) {
  std::vector<NodeExplanation> answers;
  Query query{pod, snapshot, profile.args};
  Opinions opinions = ask_all(query, profile);
  std::vector<const NodeInfo*> feasible;
  std::vector<size_t> positions;
  for (const NodeInfo* node : snapshot.nodes()) {
    NodeExplanation& answer = answers.emplace_back();
    answer.node = node->name;
    answer.rejections = rejections_with_nominated(pod, *node, snapshot, profile);
    if (answer.rejections.empty()) answer.rejections = rejections_of(opinions, *node);
    answer.feasible = answer.rejections.empty();
    if (!answer.feasible) continue;
    feasible.push_back(node);
    positions.push_back(answers.size() - 1);
  }
  for (const auto& [plugin, weight] : profile.scorers) {
    std::unique_ptr<Scorer> scorer = plugin->make_scorer(query, feasible);
    if (!scorer) continue;
    std::vector<int64_t> scores;
    for (const NodeInfo* node : feasible) scores.push_back(scorer->score(*node));
    scorer->normalize(feasible, scores);
    for (size_t i = 0; i < feasible.size(); ++i) {
      answers[positions[i]].scores.emplace_back(plugin->name, scores[i] * weight);
      answers[positions[i]].total += scores[i] * weight;
    }
  }
  return answers;
}

}  // namespace tiphys::scheduler
