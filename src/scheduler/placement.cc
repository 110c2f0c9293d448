#include "scheduler/placement.h"

#include <algorithm>

#include "kinds/metadata.h"
#include "kinds/pods.h"
#include "kinds/tiphys_v1.h"
#include "scheduler/extender_questions.h"
#include "scheduler/schedule.h"

namespace tiphys::scheduler {
namespace {

using tiphys_v1::NodePlacementEdit;
using tiphys_v1::PodPlacementEdit;

void fill(Snapshot& snapshot, const ClusterObjects& cluster, const Object& except) {
  std::span<const SnapshotFeed> feeds = snapshot_feeds();
  for (size_t i = 0; i < feeds.size(); ++i) {
    for (const ObjectPtr& object : cluster.feeds[i]) feeds[i].apply(snapshot, nullptr, object);
  }
  for (const ObjectPtr& object : cluster.pods) {
    core_v1::Pod pod(*object);
    std::string_view phase = pod.status().phase();
    bool over = phase == "Succeeded" || phase == "Failed";
    if (over || uid_of(*object) == uid_of(except)) continue;
    std::string_view node = pod.spec().node_name(), kept = pod.status().nominated_node_name();
    if (!node.empty()) {
      snapshot.add_pod(std::make_shared<PodInfo>(object), node);
    } else if (!kept.empty()) {
      snapshot.nominate(std::make_shared<PodInfo>(object), kept);
    }
  }
}

void write_node(NodePlacementEdit edit, const NodeExplanation& node) {
  edit.set_name(node.node);
  edit.set_feasible(node.feasible);
  if (node.feasible) edit.set_score(node.total);
  for (const NodeExplanation::Entry& rejection : node.rejections) {
    tiphys_v1::PluginRejectionEdit one = edit.edit_rejections().append();
    one.set_plugin(rejection.plugin);
    for (const std::string& reason : rejection.reasons) one.edit_reasons().append(reason);
  }
  for (const auto& [plugin, score] : node.scores) {
    tiphys_v1::PluginScoreEdit one = edit.edit_scores().append();
    one.set_plugin(plugin);
    one.set_score(score);
  }
}

std::string summary(const PodInfo& pod, Snapshot& snapshot, const Profile& profile,
                    const std::vector<NodeExplanation>& nodes) {
  auto feasible = std::ranges::count_if(nodes, &NodeExplanation::feasible);
  if (feasible == 0) return find_feasible(pod, snapshot, profile, 0).diagnosis.message();
  return std::to_string(feasible) + "/" + std::to_string(nodes.size()) +
         " nodes are feasible, the best is " + nodes[0].node + " with a score of " +
         std::to_string(nodes[0].total) + ".";
}

std::string not_asked(const PodInfo& pod, const std::vector<ExtenderConfig>& extenders) {
  std::string text;
  for (const ExtenderConfig& extender : extenders) {
    bool judges = !extender.filter_verb.empty() || !extender.prioritize_verb.empty();
    if (judges && is_interested(extender, pod))
      text += " extender " + extender.url_prefix + ": not asked.";
  }
  return text;
}

void explain_on_nodes(PodPlacementEdit& edit, const ObjectPtr& object,
                      const ClusterObjects& cluster, const Profile& profile,
                      const std::vector<ExtenderConfig>& extenders) {
  Snapshot snapshot;
  fill(snapshot, cluster, *object);
  PodInfo pod(object);
  pod.node_name = {};
  std::vector<NodeExplanation> nodes = explain(pod, snapshot, profile);
  std::ranges::sort(nodes, [](const NodeExplanation& a, const NodeExplanation& b) {
    return std::tuple(!a.feasible, -a.total, a.rejections.size(), std::string_view(a.node)) <
           std::tuple(!b.feasible, -b.total, b.rejections.size(), std::string_view(b.node));
  });
  edit.set_message(summary(pod, snapshot, profile, nodes) + not_asked(pod, extenders));
  for (const NodeExplanation& node : nodes) write_node(edit.edit_nodes().append(), node);
}

}  // namespace

ObjectPtr explain_placement(const ObjectPtr& pod, const ClusterObjects& cluster,
                            const Profiles& profiles,
                            const std::vector<ExtenderConfig>& extenders) {
  core_v1::Pod of(*pod);
  Draft draft = tiphys_v1::PodPlacement::make();
  PodPlacementEdit edit(draft);
  meta_v1::ObjectMetaEdit meta = edit.edit_metadata();
  meta.set_name(of.metadata().name());
  meta.set_namespace(of.metadata().namespace_());
  if (!of.metadata().labels().empty()) meta.set_labels(of.metadata().labels());
  meta.set_creation_timestamp(of.metadata().creation_timestamp());
  edit.set_scheduler_name(of.spec().scheduler_name());
  if (!of.spec().node_name().empty()) edit.set_node_name(of.spec().node_name());
  if (const Profile* profile = profiles.find(of.spec().scheduler_name())) {
    explain_on_nodes(edit, pod, cluster, *profile, extenders);
  } else {
    edit.set_message("no profile of this scheduler is named \"" +
                     std::string(of.spec().scheduler_name()) + "\"");
  }
  return draft.freeze();
}

}  // namespace tiphys::scheduler
