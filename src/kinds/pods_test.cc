#include "kinds/pods.h"

#include <gtest/gtest.h>

#include "kinds/image_name.h"
#include "kinds/label_selector.h"
#include "kinds/metadata.h"
#include "kinds/tolerations.h"

namespace tiphys::kinds {
namespace {

class Pods : public testing::Test {
 protected:
  static void ask(core_v1::ContainerEdit container, const char* cpu, const char* memory) {
    container.edit_resources().edit_requests().set("cpu", cpu);
    container.edit_resources().edit_requests().set("memory", memory);
  }
  static void limit(core_v1::ContainerEdit container, const char* cpu, const char* memory) {
    container.edit_resources().edit_limits().set("cpu", cpu);
    container.edit_resources().edit_limits().set("memory", memory);
  }
  Draft draft_ = core_v1::Pod::make();
  core_v1::PodSpecEdit spec_ = core_v1::PodEdit(draft_).edit_spec();
};

TEST_F(Pods, requests_are_the_larger_of_running_and_starting) {
  ask(spec_.edit_containers().append(), "500m", "1Gi");
  ask(spec_.edit_containers().append(), "0.25", "1Gi");
  ask(spec_.edit_init_containers().append(), "2", "100Mi");
  core_v1::ContainerEdit sidecar = spec_.edit_init_containers().append();
  sidecar.set_restart_policy("Always");
  ask(sidecar, "100m", "100Mi");
  ask(spec_.edit_init_containers().append(), "2", "1Mi");
  spec_.edit_overhead().set("cpu", "10m");
  ResourceSums sums = pod_requests(spec_.view());
  EXPECT_EQ(sums["cpu"].text(), "2110m");  // second init container beside the sidecar, overhead
  EXPECT_EQ(sums["memory"].text(), "2148Mi");
  EXPECT_TRUE(pod_limits(spec_.view()).empty());
}

TEST_F(Pods, qos_classes) {
  core_v1::ContainerEdit container = spec_.edit_containers().append();
  EXPECT_EQ(qos_class(spec_.view()), "BestEffort");
  ask(container, "1", "1Gi");
  EXPECT_EQ(qos_class(spec_.view()), "Burstable");
  limit(container, "1000m", "1024Mi");
  EXPECT_EQ(qos_class(spec_.view()), "Guaranteed");
  spec_.edit_init_containers().append();
  EXPECT_EQ(qos_class(spec_.view()), "Burstable");
}

TEST_F(Pods, readiness_is_the_condition) {
  core_v1::PodEdit pod(draft_);
  EXPECT_FALSE(is_ready(pod.view()));
  core_v1::PodConditionEdit condition = pod.edit_status().edit_conditions().append();
  condition.set_type("Ready");
  condition.set_status("True");
  EXPECT_TRUE(is_ready(pod.view()));
  pod.edit_status().set_phase("Failed");
  EXPECT_TRUE(is_finished(pod.view()));
}

TEST_F(Pods, metadata_of_any_object) {
  Draft owner = core_v1::Pod::make();
  edit_metadata(owner).set_name("owner");
  edit_metadata(owner).set_uid("u1");
  ObjectPtr frozen = owner.freeze();
  edit_metadata(draft_).set_name("a");
  edit_metadata(draft_).set_namespace("ns");
  edit_metadata(draft_).edit_finalizers().append("f");
  set_controller(draft_, *frozen);
  ObjectPtr object = draft_.freeze();
  EXPECT_EQ(key_of(*object), "ns/a");
  EXPECT_TRUE(has_finalizer(*object, "f"));
  EXPECT_TRUE(is_controlled_by(*object, "u1"));
  EXPECT_EQ(controller_of(metadata(*object)).kind(), "Pod");
  EXPECT_FALSE(is_deleting(*object));
}

TEST(Images, references_split) {
  auto tag = [](std::string_view image) { return parse_image_name(image).tag; };
  EXPECT_EQ(tag("nginx"), "latest");
  EXPECT_EQ(tag("nginx:1.7.9"), "1.7.9");
  EXPECT_EQ(tag("localhost:5000/a/b"), "latest");
  EXPECT_EQ(tag("r.io:5000/a/b:v1"), "v1");
  EXPECT_EQ(tag("a@sha256:00"), "");
  EXPECT_EQ(parse_image_name("a:1@sha256:00").digest, "sha256:00");
  for (const char* bad : {"", "UPPER", "a b", ":tag", "a:"}) {
    EXPECT_TRUE(parse_image_name(bad).repository.empty()) << bad;
  }
}

TEST(LabelSelectors, structs_become_selectors) {
  Draft draft = core_v1::Pod::make();
  meta_v1::LabelSelectorEdit selector(draft.arena(), *draft.arena().make_node());
  EXPECT_TRUE(to_selector(selector.view())->empty());
  EXPECT_TRUE(to_selector(false, selector.view())->matches_nothing());
  selector.edit_match_labels().set("app", "web");
  meta_v1::LabelSelectorRequirementEdit expression = selector.edit_match_expressions().append();
  expression.set_key("tier");
  expression.set_operator("NotIn");
  expression.edit_values().append("db");
  EXPECT_EQ(to_selector(selector.view())->text(), "app=web,tier notin (db)");
  expression.set_operator("Near");
  EXPECT_EQ(to_selector(selector.view()).error().message(),
            "\"Near\" is not a valid label selector operator");
}

}  // namespace
}  // namespace tiphys::kinds
