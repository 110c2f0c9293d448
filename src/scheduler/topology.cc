#include "scheduler/topology.h"

#include <algorithm>

namespace tiphys::scheduler {
namespace {

std::string match_text(const PodMatch& match) {
  std::string text;
  for (const std::string& ns : match.namespaces) text.append(ns).append(1, '\4');
  if (match.namespace_selector) text.append("\5").append(match.namespace_selector->text());
  if (match.labels) text.append("\6").append(match.labels->text());
  return text;
}

int64_t& at(std::vector<int64_t>& list, int index) {
  size_t i = static_cast<size_t>(index);
  if (i >= list.size()) list.resize(i + 1);
  return list[i];
}

int intern(TopologyKey& key, std::string_view value) {
  auto [found, added] =
      key.values.try_emplace(std::string(value), static_cast<int>(key.nodes_with.size()));
  if (added) key.nodes_with.push_back(0);
  return found->second;
}

// True if the node's value changed.
bool place(TopologyKey& key, const NodeInfo& node) {
  size_t slot = static_cast<size_t>(node.slot);
  if (key.value_of.size() <= slot) key.value_of.resize(slot + 1, -1);
  bool present = node.object != nullptr && node.labels.contains(key.label);
  int value = present ? intern(key, node.labels.find(key.label)) : -1;
  int& now = key.value_of[slot];
  if (now == value) return false;
  if (now >= 0) --key.nodes_with[static_cast<size_t>(now)];
  if (value >= 0) ++key.nodes_with[static_cast<size_t>(value)];
  now = value;
  return true;
}

template <class Counted>
void sum(Counted& counted) {
  std::fill(counted.per_value.begin(), counted.per_value.end(), 0);
  for (size_t slot = 0; slot < counted.per_node.size(); ++slot) {
    int value = counted.key->value(static_cast<int>(slot));
    if (value >= 0 && counted.per_node[slot] != 0) {
      at(counted.per_value, value) += counted.per_node[slot];
    }
  }
}

}  // namespace

void TopologyIndex::set_namespace(std::string_view name, const ObjectPtr& object) {
  if (object) {
    namespaces_[std::string(name)] = object;
  } else {
    namespaces_.erase(std::string(name));
  }
  for (auto& [text, entry] : counts_) {
    bool by_labels =
        std::any_of(entry.counts.all.begin(), entry.counts.all.end(),
                    [](const PodMatch& m) { return m.namespace_selector.has_value(); });
    if (by_labels) recount(entry.counts);
  }
}

bool TopologyIndex::matches(const PodMatch& match, const PodInfo& pod) const {
  if (!match.labels || !match.labels->matches(pod.labels)) return false;
  if (std::binary_search(match.namespaces.begin(), match.namespaces.end(), pod.ns)) return true;
  if (!match.namespace_selector) return false;
  if (match.namespace_selector->requirements.empty()) return true;
  auto found = namespaces_.find(std::string(pod.ns));
  if (found == namespaces_.end()) return false;
  core_v1::Namespace ns(*found->second);
  return match.namespace_selector->matches(ns.metadata().labels());
}

bool TopologyIndex::matches_all(std::span<const PodMatch> all, const PodInfo& pod) const {
  return std::all_of(all.begin(), all.end(),
                     [&](const PodMatch& match) { return matches(match, pod); });
}

void TopologyIndex::node_changed(const NodeInfo& node) {
  for (auto& [label, key] : keys_) {
    if (!place(*key, node) || node.pods.empty()) continue;
    for (auto& [text, entry] : counts_) {
      if (entry.counts.key == key.get()) sum_values(entry.counts);
    }
    for (auto& [text, group] : groups_) {
      if (group->key == key.get()) sum(*group);
    }
  }
}

void TopologyIndex::sum_values(TopologyCounts& counts) const {
  sum(counts);
  counts.total = 0;
  for (int64_t n : counts.per_value) counts.total += n;
}

void TopologyIndex::recount(TopologyCounts& counts) {
  counts.per_node.assign(slots_.size(), 0);
  for (const auto& node : slots_) {
    if (!node) continue;
    for (const PodPtr& pod : node->pods) {
      if (counts.skip_terminating && pod->terminating) continue;
      if (matches_all(counts.all, *pod)) ++counts.per_node[static_cast<size_t>(node->slot)];
    }
  }
  sum_values(counts);
}

void TopologyIndex::pod_moved(const PodInfo& pod, const NodeInfo& node, int by) {
  for (auto& [text, entry] : counts_) {
    TopologyCounts& counts = entry.counts;
    if (counts.skip_terminating && pod.terminating) continue;
    if (!matches_all(counts.all, pod)) continue;
    at(counts.per_node, node.slot) += by;
    int value = counts.key->value(node.slot);
    if (value < 0) continue;
    at(counts.per_value, value) += by;
    counts.total += by;
  }
  move_terms(pod, node, by);
}

const TopologyKey& TopologyIndex::key(const std::string& label) {
  std::unique_ptr<TopologyKey>& found = keys_[label];
  if (!found) {
    found = std::make_unique<TopologyKey>();
    found->label = label;
    for (const auto& node : slots_) {
      if (node) place(*found, *node);
    }
  }
  return *found;
}

const TopologyCounts& TopologyIndex::counts(std::span<const PodMatch> all, const std::string& label,
                                            bool skip_terminating) {
  std::string text = label + (skip_terminating ? "\7" : "\b");
  for (const PodMatch& match : all) text.append(match_text(match)).append(1, '\t');
  auto found = counts_.find(text);
  if (found != counts_.end()) {
    order_.splice(order_.end(), order_, found->second.used);
    return found->second.counts;
  }
  Entry entry;
  entry.counts.all.assign(all.begin(), all.end());
  entry.counts.skip_terminating = skip_terminating;
  entry.counts.key = &key(label);
  entry.used = order_.insert(order_.end(), text);
  recount(entry.counts);
  return counts_.emplace(text, std::move(entry)).first->second.counts;
}

void TopologyIndex::trim() {
  while (counts_.size() > kMaxCounts) {
    counts_.erase(order_.front());
    order_.pop_front();
  }
}

void TopologyIndex::move_terms(const PodInfo& pod, const NodeInfo& node, int by) {
  using Kind = TermGroup::Kind;
  for (const PodAffinityTerm& t : pod.anti_affinity) move_term(Kind::kAnti, t, node, by);
  for (const PodAffinityTerm& t : pod.affinity) move_term(Kind::kRequired, t, node, by);
  for (const PodAffinityTerm& t : pod.preferred_affinity) move_term(Kind::kPreferred, t, node, by);
  for (const PodAffinityTerm& t : pod.preferred_anti_affinity) {
    move_term(Kind::kPreferredAnti, t, node, by);
  }
}

void TopologyIndex::move_term(TermGroup::Kind kind, const PodAffinityTerm& term,
                              const NodeInfo& node, int by) {
  std::string text = std::to_string(static_cast<int>(kind)) + "/" + std::to_string(term.weight) +
                     "/" + term.topology_key + "\7" + match_text(term.match);
  std::unique_ptr<TermGroup>& group = groups_[text];
  if (!group) {
    group = std::make_unique<TermGroup>();
    group->kind = kind;
    group->term = term;
    group->key = &key(term.topology_key);
  }
  at(group->per_node, node.slot) += by;
  int value = group->key->value(node.slot);
  if (value >= 0) at(group->per_value, value) += by;
  group->carriers += by;
  if (group->carriers == 0) groups_.erase(text);
}

}  // namespace tiphys::scheduler
