#include "controllers/control_world_test.h"

namespace tiphys::controllers {
namespace {

const std::vector<std::string> kQuota = {"resourcequota-controller"};

void make_quota(ControlWorld& world, std::string_view name,
                std::initializer_list<std::pair<std::string_view, std::string_view>> hard,
                std::string_view scope = "") {
  Draft draft = core_v1::ResourceQuota::make();
  core_v1::ResourceQuotaEdit quota(draft);
  quota.edit_metadata().set_name(name);
  quota.edit_metadata().set_namespace("default");
  for (auto [key, value] : hard) quota.edit_spec().edit_hard().set(key, value);
  if (!scope.empty()) quota.edit_spec().edit_scopes().append(scope);
  world.api.put(resource_quotas(), draft.freeze());
}

ObjectPtr make_pod(ControlWorld& world, std::string_view name, std::string_view cpu) {
  Draft draft = core_v1::Pod::make();
  core_v1::PodEdit pod(draft);
  pod.edit_metadata().set_name(name);
  pod.edit_metadata().set_namespace("default");
  auto container = pod.edit_spec().edit_containers().append();
  container.set_name("c");
  if (!cpu.empty()) container.edit_resources().edit_requests().set("cpu", cpu);
  return world.api.put(pods(), draft.freeze());
}

std::string used(ControlWorld& world, std::string_view name) {
  ObjectPtr object = world.api.get(resource_quotas(), "default", name);
  std::string text;
  for (const auto& entry : core_v1::ResourceQuota(*object).status().used()) {
    text += std::string(entry.key) + "=" + std::string(entry.value) + " ";
  }
  return text;
}

TEST(ResourceQuotaController, counts_what_is_there_and_what_goes) {
  ControlWorld world(1, kQuota);
  make_pod(world, "a", "500m");
  make_pod(world, "b", "");
  make_quota(world, "q", {{"pods", "5"}, {"requests.cpu", "2"}, {"count/pods", "9"}, {"x/y", "1"}});
  make_quota(world, "best", {{"pods", "1"}}, "BestEffort");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(used(world, "q"), "count/pods=2 pods=2 requests.cpu=500m ");
  EXPECT_EQ(used(world, "best"), "pods=1 ");
  world.change<core_v1::PodEdit>(
      pods(), "a", [](core_v1::PodEdit& pod) { pod.edit_status().set_phase("Succeeded"); });
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(used(world, "q"), "count/pods=2 pods=1 requests.cpu=0 ");
  world.api.remove(pods(), "default", "a");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(used(world, "q"), "count/pods=1 pods=1 requests.cpu=0 ");
}

TEST(ResourceQuotaController, heals_what_was_never_made_but_leaves_charges_alone) {
  ControlWorld world(1, kQuota);
  make_quota(world, "q", {{"configmaps", "5"}});
  ASSERT_TRUE(world.settle());
  world.change<core_v1::ResourceQuotaEdit>(resource_quotas(), "q",
                                           [](core_v1::ResourceQuotaEdit& quota) {
                                             quota.edit_status().edit_used().set("configmaps", "3");
                                           });
  world.loop.run_for(seconds(30));
  EXPECT_EQ(used(world, "q"), "configmaps=3 ");
  world.loop.run_for(minutes(6));
  EXPECT_EQ(used(world, "q"), "configmaps=0 ");
  size_t writes = world.api.write_count();
  world.loop.run_for(std::chrono::hours(1));
  EXPECT_EQ(world.api.write_count(), writes);
}

TEST(ResourceQuotaController, limits_that_somebody_else_tells_do_not_stay) {
  ControlWorld world(1, kQuota);
  make_quota(world, "q", {{"configmaps", "5"}});
  ASSERT_TRUE(world.settle());
  world.change<core_v1::ResourceQuotaEdit>(resource_quotas(), "q",
                                           [](core_v1::ResourceQuotaEdit& quota) {
                                             quota.edit_status().edit_hard().set("configmaps", "7");
                                           });
  ASSERT_TRUE(world.settle());
  ObjectPtr told = world.api.get(resource_quotas(), "default", "q");
  EXPECT_EQ(core_v1::ResourceQuota(*told).status().hard().find("configmaps"), "5");
}

}  // namespace
}  // namespace tiphys::controllers
