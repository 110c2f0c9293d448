#include "controllers/daemon_placement.h"

#include <gtest/gtest.h>

#include <functional>

#include "controllers/failure_back_off.h"
#include "kinds/metadata.h"

namespace tiphys::controllers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Draft set_with(const std::function<void(core_v1::PodSpecEdit)>& edit) {
  Draft draft = apps_v1::DaemonSet::make();
  apps_v1::DaemonSetEdit set(draft);
  set.edit_metadata().set_name("agent");
  set.edit_metadata().edit_annotations().set(kTemplateGenerationAnnotation, "3");
  set.edit_spec().edit_template().edit_metadata().edit_labels().set("app", "agent");
  edit(set.edit_spec().edit_template().edit_spec());
  return draft;
}

ObjectPtr node(std::string_view name,
               std::vector<std::pair<std::string, std::string>> taints = {}) {
  Draft draft = core_v1::Node::make();
  core_v1::NodeEdit edit(draft);
  edit.edit_metadata().set_name(name);
  edit.edit_metadata().edit_labels().set("color", "blue");
  for (auto& [key, effect] : taints) {
    core_v1::TaintEdit taint = edit.edit_spec().edit_taints().append();
    taint.set_key(key);
    taint.set_effect(effect);
  }
  return draft.freeze();
}

NodeFit fit(const Draft& set, const ObjectPtr& on) {
  Draft pod_template = daemon_template(apps_v1::DaemonSet(*set.freeze()), "");
  return node_fit(core_v1::PodTemplateSpec(pod_template).spec(), core_v1::Node(*on));
}

constexpr NodeFit kRuns{true, true};
constexpr NodeFit kStays{false, true};
constexpr NodeFit kGoes{false, false};

TEST(DaemonPlacement, nodes_are_chosen_by_name_labels_and_taints) {
  Draft plain = set_with([](core_v1::PodSpecEdit) {});
  EXPECT_EQ(fit(plain, node("a")), kRuns);
  EXPECT_EQ(fit(plain, node("a", {{"k", "NoSchedule"}})), kStays);
  EXPECT_EQ(fit(plain, node("a", {{"k", "NoExecute"}})), kGoes);
  EXPECT_EQ(fit(plain, node("a", {{"k", "PreferNoSchedule"}})), kRuns);
  for (const char* pressure :
       {"disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"}) {
    EXPECT_EQ(
        fit(plain, node("a", {{std::string("node.kubernetes.io/") + pressure, "NoSchedule"}})),
        kRuns)
        << pressure;
  }
  for (const char* lost : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    EXPECT_EQ(fit(plain, node("a", {{lost, "NoExecute"}})), kRuns) << lost;
    EXPECT_EQ(fit(plain, node("a", {{lost, "NoSchedule"}})), kStays) << lost;
  }
  EXPECT_EQ(fit(set_with([](core_v1::PodSpecEdit spec) { spec.set_node_name("b"); }), node("a")),
            kGoes);
  EXPECT_EQ(fit(set_with([](core_v1::PodSpecEdit spec) {
                  spec.edit_node_selector().set("color", "red");
                }),
                node("a")),
            kGoes);
}

TEST(DaemonPlacement, the_network_may_be_missing_for_pods_of_the_hosts) {
  ObjectPtr without = node("a", {{"node.kubernetes.io/network-unavailable", "NoSchedule"}});
  EXPECT_EQ(fit(set_with([](core_v1::PodSpecEdit) {}), without), kStays);
  EXPECT_EQ(fit(set_with([](core_v1::PodSpecEdit spec) { spec.set_host_network(true); }), without),
            kRuns);
}

TEST(DaemonPlacement, a_toleration_for_a_time_becomes_one_for_ever) {
  ObjectPtr set = set_with([](core_v1::PodSpecEdit spec) {
                    auto toleration = spec.edit_tolerations().append();
                    toleration.set_key("node.kubernetes.io/not-ready");
                    toleration.set_operator("Exists");
                    toleration.set_effect("NoExecute");
                    toleration.set_toleration_seconds(5);
                  }).freeze();
  Draft pod_template = daemon_template(apps_v1::DaemonSet(*set), "abc");
  core_v1::PodTemplateSpec view(pod_template);
  ASSERT_EQ(view.spec().tolerations().size(), 6u);
  EXPECT_FALSE(view.spec().tolerations()[0].has_toleration_seconds());
  EXPECT_EQ(view.metadata().labels().find("controller-revision-hash"), "abc");
  EXPECT_EQ(view.metadata().labels().find("pod-template-generation"), "3");
}

TEST(DaemonPlacement, a_pod_names_its_node) {
  Draft base = core_v1::Pod::make();
  auto affinity = core_v1::PodEdit(base).edit_spec().edit_affinity().edit_node_affinity();
  auto term = affinity.edit_required_during_scheduling_ignored_during_execution()
                  .edit_node_selector_terms()
                  .append();
  term.edit_match_expressions().append().set_key("color");
  EXPECT_EQ(target_node(core_v1::Pod(base)), "");
  ObjectPtr pod = daemon_pod(*base.freeze(), "a");
  EXPECT_EQ(target_node(core_v1::Pod(*pod)), "a");
  EXPECT_EQ(core_v1::Pod(*pod)
                .spec()
                .affinity()
                .node_affinity()
                .required_during_scheduling_ignored_during_execution()
                .node_selector_terms()
                .size(),
            1u);
  Draft bound(*pod);
  core_v1::PodEdit(bound).edit_spec().set_node_name("b");
  EXPECT_EQ(target_node(core_v1::Pod(bound)), "b");
}

TEST(DaemonPlacement, a_pod_is_updated_by_hash_or_generation) {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().edit_labels().set("controller-revision-hash", "abc");
  EXPECT_TRUE(is_pod_updated(pod.view(), "abc", ""));
  EXPECT_FALSE(is_pod_updated(pod.view(), "", ""));
  EXPECT_FALSE(is_pod_updated(pod.view(), "abd", "3"));
  pod.edit_metadata().edit_labels().set("pod-template-generation", "3");
  EXPECT_TRUE(is_pod_updated(pod.view(), "abd", "3"));
}

TEST(FailureBackOff, doubles_to_its_limit_and_forgets) {
  FailureBackOff back_off;
  MonoTime now = MonoTime() + minutes(5);
  EXPECT_EQ(back_off.remaining("a", now), Duration::zero());
  back_off.next("a", now);
  EXPECT_EQ(back_off.remaining("a", now), seconds(1));
  EXPECT_EQ(back_off.remaining("b", now), Duration::zero());
  now += seconds(1);
  EXPECT_EQ(back_off.remaining("a", now), Duration::zero());
  for (int i = 0; i < 12; ++i) back_off.next("a", now);
  EXPECT_EQ(back_off.remaining("a", now), FailureBackOff::kLongest);
  now += minutes(31);
  back_off.next("b", now);
  EXPECT_EQ(back_off.size(), 1u);
  back_off.next("a", now);
  EXPECT_EQ(back_off.remaining("a", now), seconds(1));
}

}  // namespace
}  // namespace tiphys::controllers
