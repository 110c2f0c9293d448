#include "controllers/control_world_test.h"
#include "kinds/rbac_v1.h"

namespace tiphys::controllers {
namespace {

void make_role(ControlWorld& world, std::string_view name, std::string_view label,
               std::string_view resource, std::string_view gathers = "") {
  Draft draft = rbac_v1::ClusterRole::make();
  rbac_v1::ClusterRoleEdit role(draft);
  role.edit_metadata().set_name(name);
  if (!label.empty()) role.edit_metadata().edit_labels().set(label, "true");
  if (!resource.empty()) {
    auto rule = role.edit_rules().append();
    rule.edit_verbs().append("get");
    rule.edit_resources().append(resource);
  }
  if (!gathers.empty()) {
    auto selector = role.edit_aggregation_rule().edit_cluster_role_selectors().append();
    selector.edit_match_labels().set(gathers, "true");
  }
  world.api.put(cluster_roles(), draft.freeze());
}

std::string resources_of(ControlWorld& world, std::string_view name) {
  ObjectPtr object = world.api.get(cluster_roles(), "", name);
  std::string text;
  for (const auto& rule : rbac_v1::ClusterRole(*object).rules()) {
    text += std::string(rule.resources()[0]) + " ";
  }
  return text;
}

TEST(ClusterRoleAggregation, gathers_each_rule_once_and_follows_changes) {
  ControlWorld world(1, {"clusterrole-aggregation-controller"});
  make_role(world, "edit", "to-admin", "", "to-edit");
  make_role(world, "admin", "", "", "to-admin");
  make_role(world, "b", "to-edit", "pods");
  make_role(world, "a", "to-edit", "services");
  make_role(world, "c", "to-edit", "pods");
  make_role(world, "d", "other", "nodes");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(resources_of(world, "edit"), "services pods ");
  EXPECT_EQ(resources_of(world, "admin"), "services pods ");
  world.api.remove(cluster_roles(), "", "a");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(resources_of(world, "admin"), "pods ");
  size_t writes = world.api.write_count();
  world.loop.run_for(minutes(30));
  EXPECT_EQ(world.api.write_count(), writes);
}

}  // namespace
}  // namespace tiphys::controllers
