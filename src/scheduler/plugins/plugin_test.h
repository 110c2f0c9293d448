// PluginTest: nodes and pods in a snapshot, and what a profile says about one more pod.
#pragma once
#include <map>
#include <set>

#include "scheduler/objects_test.h"
#include "scheduler/plugins/plugins.h"

namespace tiphys::scheduler {

class PluginTest : public testing::Test {
 protected:
  void node(const NodeShape& shape) { snapshot.set_node(node_object(shape)); }
  void place(const PodShape& shape, const char* on) { snapshot.add_pod(make_pod(shape), on); }

  // "n1 n2" or the message why none.
  std::string feasible(const PodShape& shape) {
    PodPtr pod = make_pod(shape);
    std::set<std::string> names;
    for (const NodeExplanation& node : explain(*pod, snapshot, profile)) {
      if (node.feasible) names.insert(node.node);
    }
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text.empty() ? schedule(*pod, snapshot, profile, 0, random).diagnosis.message() : text;
  }
  // The plugin's weighted score of each node, by name.
  std::map<std::string, int64_t> scores(const PodShape& shape, std::string_view plugin) {
    std::map<std::string, int64_t> found;
    for (const NodeExplanation& node : explain(*make_pod(shape), snapshot, profile)) {
      for (const auto& [name, score] : node.scores) {
        if (name == plugin) found[node.node] = score;
      }
    }
    return found;
  }
  using Scores = std::map<std::string, int64_t>;

  Snapshot snapshot;
  Profile profile = default_profile();
  SeededRandom random{1};
};

}  // namespace tiphys::scheduler
