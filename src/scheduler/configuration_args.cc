#include "scheduler/configuration_args.h"

#include <array>

namespace tiphys::scheduler {
namespace {

using namespace scheduler_v1;

constexpr std::string_view kGroup = "kubescheduler.config.k8s.io";

template <class V>
schema::Kind kind_of(std::string_view name) {
  return {.gvk = {kGroup, "v1", name}, .message = &V::message_type()};
}

void default_resources(ListEdit<ResourceSpecEdit> resources) {
  if (resources.empty()) {
    for (const char* name : {"cpu", "memory"}) resources.append().set_name(name);
  }
  for (size_t i = 0; i < resources.size(); ++i) {
    if (resources[i].view().weight() == 0) resources[i].set_weight(1);
  }
}

void default_preemption(Draft& draft) {
  DefaultPreemptionArgsEdit args(draft);
  if (!args.view().has_min_candidate_nodes_percentage())
    args.set_min_candidate_nodes_percentage(10);
  if (!args.view().has_min_candidate_nodes_absolute()) args.set_min_candidate_nodes_absolute(100);
}

void default_pod_affinity(Draft& draft) {
  InterPodAffinityArgsEdit args(draft);
  if (!args.view().has_hard_pod_affinity_weight()) args.set_hard_pod_affinity_weight(1);
}

void default_balance(Draft& draft) {
  default_resources(NodeResourcesBalancedAllocationArgsEdit(draft).edit_resources());
}

void default_fit(Draft& draft) {
  NodeResourcesFitArgsEdit args(draft);
  if (!args.view().has_scoring_strategy()) {
    args.edit_scoring_strategy().set_type("LeastAllocated");
  }
  default_resources(args.edit_scoring_strategy().edit_resources());
}

void default_spread(Draft& draft) {
  PodTopologySpreadArgsEdit args(draft);
  if (args.view().defaulting_type().empty()) args.set_defaulting_type("System");
}

void default_volumes(Draft& draft) {
  VolumeBindingArgsEdit args(draft);
  if (!args.view().has_bind_timeout_seconds()) args.set_bind_timeout_seconds(600);
}

void no_defaults(Draft&) {}

struct ArgsRow {
  std::string_view plugin;
  void (*apply_defaults)(Draft&);
};

// The kinds by position: the configuration, then those of kRows.
constexpr std::array kRows = {
    ArgsRow{"DefaultPreemption", default_preemption},
    ArgsRow{"InterPodAffinity", default_pod_affinity},
    ArgsRow{"NodeAffinity", no_defaults},
    ArgsRow{"NodeResourcesBalancedAllocation", default_balance},
    ArgsRow{"NodeResourcesFit", default_fit},
    ArgsRow{"PodTopologySpread", default_spread},
    ArgsRow{"VolumeBinding", default_volumes},
};

std::span<const schema::Kind> all_kinds() {
  static const std::array kKinds = {
      kind_of<KubeSchedulerConfiguration>("KubeSchedulerConfiguration"),
      kind_of<DefaultPreemptionArgs>("DefaultPreemptionArgs"),
      kind_of<InterPodAffinityArgs>("InterPodAffinityArgs"),
      kind_of<NodeAffinityArgs>("NodeAffinityArgs"),
      kind_of<NodeResourcesBalancedAllocationArgs>("NodeResourcesBalancedAllocationArgs"),
      kind_of<NodeResourcesFitArgs>("NodeResourcesFitArgs"),
      kind_of<PodTopologySpreadArgs>("PodTopologySpreadArgs"),
      kind_of<VolumeBindingArgs>("VolumeBindingArgs"),
  };
  return kKinds;
}

}  // namespace

const codec::Scheme& configuration_scheme() {
  static const codec::Scheme kScheme{all_kinds(), "pkg/scheduler/apis/config/scheme/scheme.go:30"};
  return kScheme;
}

const schema::Kind& configuration_kind() { return all_kinds().front(); }

const schema::Kind* args_kind(std::string_view plugin) {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].plugin == plugin) return &all_kinds()[i + 1];
  }
  return nullptr;
}

void apply_args_defaults(Draft& args) {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (all_kinds()[i + 1].message == &args.type()) kRows[i].apply_defaults(args);
  }
}

Draft decoded_args(const schema::Kind& kind, std::string_view args) {
  Draft draft(*kind.message, &kind.gvk);
  Result<Node*> root = codec::decode_json(args, *kind.message, draft.arena(), nullptr);
  if (root) draft.set_root(*root);
  return draft;
}

Draft args_of(const KubeSchedulerProfile& profile, std::string_view plugin) {
  const schema::Kind& kind = *args_kind(plugin);
  for (PluginConfig config : profile.plugin_config()) {
    if (config.name() == plugin) return decoded_args(kind, config.args());
  }
  Draft draft(*kind.message, &kind.gvk);
  apply_args_defaults(draft);
  return draft;
}

}  // namespace tiphys::scheduler
