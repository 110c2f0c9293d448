// Views and editors over a Pod: what is absent reads as zero, edits keep the canonical form.
#include <gtest/gtest.h>

#include "kinds/apiextensions_v1.h"
#include "kinds/apps_v1.h"
#include "kinds/core_v1.h"

namespace tiphys {
namespace {

TEST(View, absent_reads_as_zero) {
  ObjectPtr object = core_v1::Pod::make().freeze();
  core_v1::Pod pod(*object);
  EXPECT_FALSE(pod.has_spec());
  EXPECT_EQ(pod.spec().node_name(), "");
  EXPECT_EQ(pod.metadata().creation_timestamp(), 0);
  EXPECT_TRUE(pod.spec().containers().empty());
  EXPECT_EQ(pod.metadata().labels().find("app"), "");
}

TEST(View, edits_read_back_after_freezing) {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().set_name("web");
  pod.edit_metadata().edit_labels().set("b", "2");
  pod.edit_metadata().edit_labels().set("a", "1");
  pod.edit_metadata().set_creation_timestamp(1'500'000);
  core_v1::ContainerEdit container = pod.edit_spec().edit_containers().append();
  container.set_name("c");
  container.edit_args().append("-x");
  container.edit_resources().edit_limits().set("cpu", "1");
  core_v1::VolumeEdit volume = pod.edit_spec().edit_volumes().append();
  volume.edit_config_map().set_name("settings");
  ObjectPtr object = draft.freeze();
  core_v1::Pod read(*object);
  EXPECT_EQ(read.metadata().name(), "web");
  EXPECT_EQ(read.metadata().creation_timestamp(), 1'000'000);
  std::string keys;
  for (auto [key, value] : read.metadata().labels()) keys += std::string(key) + std::string(value);
  EXPECT_EQ(keys, "a1b2");
  EXPECT_EQ(read.spec().containers()[0].args()[0], "-x");
  EXPECT_EQ(read.spec().containers()[0].resources().limits().find("cpu"), "1");
  EXPECT_TRUE(read.spec().volumes()[0].has_config_map());
  EXPECT_EQ(read.spec().volumes()[0].config_map().name(), "settings");
  EXPECT_EQ(object->gvk()->kind, "Pod");
}

TEST(View, zero_of_a_plain_scalar_is_absent_of_a_pointer_kept) {
  Draft draft = apps_v1::Deployment::make();
  apps_v1::DeploymentSpecEdit spec = apps_v1::DeploymentEdit(draft).edit_spec();
  spec.set_replicas(0);
  spec.set_min_ready_seconds(0);
  EXPECT_TRUE(spec.view().has_replicas());
  EXPECT_FALSE(spec.view().has_min_ready_seconds());
  spec.edit_template().edit_spec().set_node_name("n");
  EXPECT_EQ(spec.view().template_().spec().node_name(), "n");
  spec.clear_template();
  EXPECT_FALSE(spec.view().has_template());
}

TEST(View, copies_between_objects_are_deep) {
  Draft a = apps_v1::Deployment::make();
  apps_v1::DeploymentEdit(a).edit_spec().edit_template().edit_metadata().set_name("t");
  ObjectPtr frozen = a.freeze();
  Draft b = apps_v1::ReplicaSet::make();
  apps_v1::ReplicaSetEdit(b).edit_spec().set_template(
      apps_v1::Deployment(*frozen).spec().template_());
  frozen.reset();
  EXPECT_EQ(apps_v1::ReplicaSet(b).spec().template_().metadata().name(), "t");
}

}  // namespace
}  // namespace tiphys
