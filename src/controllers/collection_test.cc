// What ends: garbage collection, namespaces; and what every namespace has.
#include <gtest/gtest.h>

#include "controllers/control_world_test.h"

namespace tiphys::controllers {
namespace {

ObjectPtr make_map(ControlWorld& world, std::string_view name, std::vector<ObjectPtr> owners = {},
                   bool block = false, std::string_view ns = "default") {
  Draft draft = core_v1::ConfigMap::make();
  meta_v1::ObjectMetaEdit meta = edit_metadata(draft);
  meta.set_name(name);
  meta.set_namespace(ns);
  for (const ObjectPtr& owner : owners) {
    auto reference = meta.edit_owner_references().append();
    reference.set_api_version("v1");
    reference.set_kind(owner->gvk()->kind);
    reference.set_name(name_of(*owner));
    reference.set_uid(uid_of(*owner));
    if (block) reference.set_block_owner_deletion(true);
  }
  return world.api.put(config_maps(), draft.freeze());
}

bool there(ControlWorld& world, std::string_view name) {
  return world.api.get(config_maps(), "default", name) != nullptr;
}

const std::vector<std::string> kGc = {"garbage-collector-controller"};

TEST(GarbageCollector, deletes_what_lost_its_last_owner) {
  ControlWorld world(1, kGc);
  ObjectPtr a = make_map(world, "a");
  ObjectPtr b = make_map(world, "b");
  ObjectPtr child = make_map(world, "child", {a});
  make_map(world, "grandchild", {child});
  make_map(world, "shared", {a, b});
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.write_count(), 0u);
  world.api.remove(config_maps(), "default", "a");
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(there(world, "child"));
  EXPECT_FALSE(there(world, "grandchild"));
  ASSERT_TRUE(there(world, "shared"));
  ObjectPtr shared = world.api.get(config_maps(), "default", "shared");
  EXPECT_EQ(metadata(*shared).owner_references().size(), 1u);
  size_t requests = world.api.request_count();
  world.loop.run_for(std::chrono::hours(1));
  // /api and /apis, every ten minutes.
  EXPECT_LE(world.api.request_count(), requests + 12);
}

TEST(GarbageCollector, an_owner_of_another_uid_is_no_owner) {
  ControlWorld world(1, kGc);
  ObjectPtr old = make_map(world, "owner");
  world.api.remove(config_maps(), "default", "owner");
  make_map(world, "owner");
  make_map(world, "child", {old});
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(there(world, "child"));
  EXPECT_TRUE(there(world, "owner"));
}

TEST(GarbageCollector, orphans_keep_living) {
  ControlWorld world(1, kGc);
  ObjectPtr owner = make_map(world, "owner");
  make_map(world, "child", {owner});
  ASSERT_TRUE(world.settle());
  world.api.remove(config_maps(), "default", "owner", "Orphan");
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(there(world, "owner"));
  ASSERT_TRUE(there(world, "child"));
  ObjectPtr child = world.api.get(config_maps(), "default", "child");
  EXPECT_TRUE(metadata(*child).owner_references().empty());
}

TEST(GarbageCollector, foreground_deletion_takes_the_children_first) {
  ControlWorld world(1, kGc);
  ObjectPtr owner = make_map(world, "owner");
  ObjectPtr child = make_map(world, "child", {owner}, true);
  make_map(world, "grandchild", {child}, true);
  ASSERT_TRUE(world.settle());
  std::vector<std::string> order;
  world.api.after = [&](const client::Request&) -> std::optional<ApiStatus> {
    for (std::string name : {"grandchild", "child", "owner"}) {
      bool gone = !there(world, name) && std::ranges::find(order, name) == order.end();
      if (gone) order.push_back(name);
    }
    return std::nullopt;
  };
  world.api.remove(config_maps(), "default", "owner", "Foreground");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(order, (std::vector<std::string>{"grandchild", "child", "owner"}));
}

TEST(GarbageCollector, a_cycle_in_the_foreground_ends) {
  ControlWorld world(1, kGc);
  ObjectPtr a = make_map(world, "a");
  ObjectPtr b = make_map(world, "b", {a}, true);
  world.api.remove(config_maps(), "default", "a");
  // Owners of each other, by uids that were known before.
  a = make_map(world, "a", {b}, true);
  b = make_map(world, "b2", {a}, true);
  Draft draft(*world.api.get(config_maps(), "default", "a"));
  edit_metadata(draft).edit_owner_references()[0].set_name("b2");
  edit_metadata(draft).edit_owner_references()[0].set_uid(uid_of(*b));
  world.api.put(config_maps(), draft.freeze());
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(there(world, "a"));
  world.api.remove(config_maps(), "default", "a", "Foreground");
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(there(world, "a"));
  EXPECT_FALSE(there(world, "b2"));
}

TEST(GarbageCollector, an_owner_in_another_namespace_counts_as_none_with_an_event) {
  ControlWorld world(1, kGc);
  world.make_namespace("other");
  ObjectPtr foreign = make_map(world, "owner", {}, false, "other");
  make_map(world, "child", {foreign});
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(there(world, "child"));
  EXPECT_EQ(world.event_texts("OwnerRefInvalidNamespace").size(), 1u);
}

TEST(GarbageCollector, deletes_nothing_while_the_server_does_not_say_that_the_owner_is_gone) {
  ControlWorld world(1, kGc);
  ObjectPtr owner = make_map(world, "owner");
  make_map(world, "child", {owner});
  ASSERT_TRUE(world.settle());
  world.api.before = [&](const client::Request& request) -> std::optional<ApiStatus> {
    if (!request.path.ends_with("/owner")) return std::nullopt;
    return ApiStatus::internal("etcdserver: request timed out");
  };
  world.api.remove(config_maps(), "default", "owner");
  world.loop.run_for(minutes(5));
  EXPECT_TRUE(there(world, "child"));
  EXPECT_LT(world.api.request_count(), 400u);
  world.api.before = nullptr;
  ASSERT_TRUE(world.settle(std::chrono::hours(1)));
  world.loop.run_for(std::chrono::hours(1));
  EXPECT_FALSE(there(world, "child"));
}

// What was found out about a wrong reference says nothing of the owner that has this uid.
TEST(GarbageCollector, a_wrong_reference_does_not_make_an_owner_absent_for_others) {
  ControlWorld world(1, kGc);
  // Secrets can't be listed, so every owner among them is asked for.
  world.api.before = [](const client::Request& request) -> std::optional<ApiStatus> {
    if (!request.path.ends_with("/secrets")) return std::nullopt;
    return ApiStatus::internal("etcdserver: request timed out");
  };
  Draft draft = core_v1::Secret::make();
  edit_metadata(draft).set_name("owner");
  edit_metadata(draft).set_namespace("default");
  ObjectPtr owner = world.api.put(secrets(), draft.freeze());
  auto make_child = [&](std::string_view name, std::string_view kind, std::string_view owner_name) {
    Draft child(*make_map(world, name, {owner}));
    edit_metadata(child).edit_owner_references()[0].set_kind(kind);
    edit_metadata(child).edit_owner_references()[0].set_name(owner_name);
    world.api.put(config_maps(), child.freeze());
  };
  make_child("other-name", "Secret", "no-owner");
  make_child("other-kind", "ConfigMap", "owner");
  world.loop.run_for(minutes(5));
  EXPECT_FALSE(there(world, "other-name"));
  EXPECT_FALSE(there(world, "other-kind"));
  make_child("right", "Secret", "owner");
  world.loop.run_for(minutes(5));
  EXPECT_TRUE(there(world, "right"));
}

TEST(GarbageCollector, a_deployment_takes_its_replica_sets_and_pods_along) {
  ControlWorld world;
  world.make_deployment("web", 5);
  ASSERT_TRUE(world.settle());
  world.api.remove(deployments(), "default", "web", "Foreground");
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.api.list(deployments()).empty());
  EXPECT_TRUE(world.api.list(replica_sets()).empty());
  EXPECT_TRUE(world.api.list(pods()).empty());
}

TEST(Namespace, is_emptied_and_goes) {
  ControlWorld world;
  world.make_namespace("shop");
  make_map(world, "settings", {}, false, "shop");
  Draft draft = core_v1::Secret::make();
  edit_metadata(draft).set_name("key");
  edit_metadata(draft).set_namespace("shop");
  world.api.put(secrets(), draft.freeze());
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.api.get(service_accounts(), "shop", "default"));
  ObjectPtr root_ca = world.api.get(config_maps(), "shop", "kube-root-ca.crt");
  ASSERT_TRUE(root_ca);
  EXPECT_EQ(core_v1::ConfigMap(*root_ca).data().find("ca.crt"), "CA");
  world.api.remove(namespaces(), "", "shop");
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(world.api.get(namespaces(), "", "shop"));
  EXPECT_TRUE(world.api.list(config_maps(), "shop").empty());
  EXPECT_TRUE(world.api.list(secrets(), "shop").empty());
  EXPECT_TRUE(world.api.list(service_accounts(), "shop").empty());
}

TEST(Namespace, says_what_it_waits_for) {
  ControlWorld world;
  world.make_namespace("shop");
  ObjectPtr map = make_map(world, "stuck", {}, false, "shop");
  Draft draft(*map);
  edit_metadata(draft).edit_finalizers().append("example.com/hold");
  world.api.put(config_maps(), draft.freeze());
  world.api.remove(namespaces(), "", "shop");
  world.loop.run_for(minutes(10));
  ObjectPtr ns = world.api.get(namespaces(), "", "shop");
  ASSERT_TRUE(ns);
  std::map<std::string, std::string> conditions;
  for (auto c : core_v1::Namespace(*ns).status().conditions()) {
    conditions[std::string(c.type())] = c.message();
  }
  EXPECT_EQ(conditions["NamespaceFinalizersRemaining"],
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 "
            "resource instances");
  EXPECT_EQ(conditions["NamespaceContentRemaining"],
            "Some resources are remaining: configmaps. has 1 resource instances");
  Draft freed(*world.api.get(config_maps(), "shop", "stuck"));
  edit_metadata(freed).clear_finalizers();
  world.api.put(config_maps(), freed.freeze());
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(world.api.get(namespaces(), "", "shop"));
}

TEST(Namespace, a_pod_may_ask_for_any_time_to_end) {
  ControlWorld world;
  world.nodes.hold(true);
  world.make_namespace("shop");
  Draft draft = core_v1::Pod::make();
  meta_v1::ObjectMetaEdit meta = edit_metadata(draft);
  meta.set_name("long");
  meta.set_namespace("shop");
  meta.edit_finalizers().append("example.com/hold");
  meta.set_deletion_timestamp(world.loop.wall());
  meta.set_deletion_grace_period_seconds(INT64_MAX);
  world.api.put(pods(), draft.freeze());
  world.api.remove(namespaces(), "", "shop");
  world.loop.run_for(minutes(10));
  ObjectPtr left = world.api.get(pods(), "shop", "long");
  ASSERT_TRUE(left);
  EXPECT_EQ(metadata(*left).deletion_grace_period_seconds(), INT64_MAX);
  EXPECT_TRUE(world.api.get(namespaces(), "", "shop"));
}

TEST(Namespace, gets_its_account_and_ca_back) {
  ControlWorld world;
  ASSERT_TRUE(world.settle());
  world.api.remove(service_accounts(), "", "default");
  world.api.remove(service_accounts(), "default", "default");
  world.api.remove(config_maps(), "default", "kube-root-ca.crt");
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.api.get(service_accounts(), "default", "default"));
  EXPECT_TRUE(world.api.get(config_maps(), "default", "kube-root-ca.crt"));
}

TEST(StorageProtection, a_claim_stays_while_a_pod_uses_it) {
  ControlWorld world;
  Draft claim = core_v1::PersistentVolumeClaim::make();
  edit_metadata(claim).set_name("data");
  edit_metadata(claim).set_namespace("default");
  edit_metadata(claim).edit_finalizers().append("kubernetes.io/pvc-protection");
  world.api.put(persistent_volume_claims(), claim.freeze());
  Draft pod = core_v1::Pod::make();
  edit_metadata(pod).set_name("user");
  edit_metadata(pod).set_namespace("default");
  auto volume = core_v1::PodEdit(pod).edit_spec().edit_volumes().append();
  volume.edit_persistent_volume_claim().set_claim_name("data");
  world.api.put(pods(), pod.freeze());
  ASSERT_TRUE(world.settle());
  world.api.remove(persistent_volume_claims(), "default", "data");
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.api.get(persistent_volume_claims(), "default", "data"));
  world.api.remove(pods(), "default", "user");
  ASSERT_TRUE(world.settle());
  EXPECT_TRUE(world.api.list(pods()).empty());
  EXPECT_FALSE(world.api.get(persistent_volume_claims(), "default", "data"))
      << testing::PrintToString(world.api.writes());
}

TEST(ControllerManager, refuses_unknown_names) {
  ControlWorld world;
  ControllerManager::Options options;
  options.controllers = {"*", "-no-such-controller"};
  auto manager = ControllerManager::create(world.loop, world.client, world.random, options);
  ASSERT_FALSE(manager);
  EXPECT_EQ(manager.error().message(),
            "\"no-such-controller\" is not in the list of known controllers");
}

}  // namespace
}  // namespace tiphys::controllers
