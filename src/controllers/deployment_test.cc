// Deployments and ReplicaSets, from the first apply to the end, with faults in between.
#include <gtest/gtest.h>

#include "controllers/control_world_test.h"
#include "controllers/deployment_math.h"

namespace tiphys::controllers {
namespace {

const std::vector<std::string> kWorkloads = {"deployment-controller", "replicaset-controller"};

TEST(Deployment, becomes_available_and_then_nothing_is_written) {
  ControlWorld world;
  world.make_deployment("web", 3);
  ASSERT_TRUE(world.settle());
  ObjectPtr object = world.deployment("web");
  apps_v1::DeploymentStatus status = apps_v1::Deployment(*object).status();
  EXPECT_EQ(status.replicas(), 3);
  EXPECT_EQ(status.updated_replicas(), 3);
  EXPECT_EQ(status.ready_replicas(), 3);
  EXPECT_EQ(status.available_replicas(), 3);
  EXPECT_EQ(status.unavailable_replicas(), 0);
  EXPECT_EQ(status.observed_generation(), metadata(*object).generation());
  EXPECT_EQ(metadata(*object).annotations().find(kRevision), "1");
  EXPECT_EQ(world.condition(*object, "Available").reason(), "MinimumReplicasAvailable");
  EXPECT_EQ(world.condition(*object, "Progressing").reason(), "NewReplicaSetAvailable");
  std::vector<ObjectPtr> sets = world.api.list(replica_sets());
  ASSERT_EQ(sets.size(), 1u);
  std::string set_name(name_of(*sets[0]));
  EXPECT_EQ(world.condition(*object, "Progressing").message(),
            "ReplicaSet \"" + set_name + "\" has successfully progressed.");
  std::string hash(metadata(*sets[0]).labels().find(kTemplateHash));
  EXPECT_EQ(set_name, "web-" + hash);
  EXPECT_EQ(apps_v1::ReplicaSet(*sets[0]).spec().selector().match_labels().find(kTemplateHash),
            hash);
  EXPECT_EQ(apps_v1::ReplicaSet(*sets[0]).status().fully_labeled_replicas(), 3);
  EXPECT_EQ(world.count_pods(true), 3);
  EXPECT_EQ(world.event_texts("ScalingReplicaSet")
                .count("Scaled up replica set " + set_name + " from 0 to 3"),
            1u);
  EXPECT_EQ(world.event_texts("SuccessfulCreate").size(), 3u);
  size_t writes = world.api.write_count();
  world.loop.run_for(std::chrono::hours(5));
  EXPECT_EQ(world.api.write_count(), writes) << world.api.writes().back();
}

TEST(Deployment, rolls_within_its_limits_and_back) {
  ControlWorld world;
  world.make_deployment("web", 8);
  ASSERT_TRUE(world.settle());
  int32_t fewest = 100;
  int32_t most = 0;
  world.api.after = [&](const client::Request&) -> std::optional<ApiStatus> {
    fewest = std::min(fewest, world.count_pods(true));
    most = std::max(most, world.count_pods());
    return std::nullopt;
  };
  world.set_image("web", "nginx:2");
  ASSERT_TRUE(world.settle());
  EXPECT_GE(fewest, 6);
  EXPECT_LE(most, 10);
  EXPECT_EQ(world.count_pods(true), 8);
  EXPECT_EQ(world.api.list(replica_sets()).size(), 2u);
  EXPECT_EQ(metadata(*world.deployment("web")).annotations().find(kRevision), "2");
  world.set_image("web", "nginx:1");
  ASSERT_TRUE(world.settle());
  EXPECT_GE(fewest, 6);
  EXPECT_LE(most, 10);
  EXPECT_EQ(world.api.list(replica_sets()).size(), 2u);
  EXPECT_EQ(metadata(*world.deployment("web")).annotations().find(kRevision), "3");
  bool history = false;
  for (const ObjectPtr& set : world.api.list(replica_sets())) {
    history = history || metadata(*set).annotations().find(kRevisionHistory) == "1";
  }
  EXPECT_TRUE(history);
}

TEST(Deployment, a_broken_image_stops_the_roll_and_exceeds_the_deadline) {
  ControlWorld world;
  world.make_deployment("web", 4);
  ASSERT_TRUE(world.settle());
  world.set_image("web", "broken:1");
  world.loop.run_for(minutes(5));
  ObjectPtr object = world.deployment("web");
  EXPECT_EQ(world.count_pods(true), 3);
  EXPECT_EQ(world.condition(*object, "Progressing").reason(), "ReplicaSetUpdated");
  EXPECT_EQ(world.condition(*object, "Available").status(), "True");
  world.loop.run_for(minutes(6));
  object = world.deployment("web");
  EXPECT_EQ(world.condition(*object, "Progressing").reason(), "ProgressDeadlineExceeded");
  EXPECT_EQ(world.condition(*object, "Progressing").status(), "False");
  size_t writes = world.api.write_count();
  world.loop.run_for(std::chrono::hours(1));
  EXPECT_EQ(world.api.write_count(), writes);
  world.set_image("web", "nginx:1");
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.count_pods(true), 4);
  EXPECT_EQ(world.condition(*world.deployment("web"), "Progressing").reason(),
            "NewReplicaSetAvailable");
}

TEST(Deployment, recreate_never_runs_two_versions) {
  ControlWorld world;
  world.make_deployment("web", 4, "nginx:1", false);
  ASSERT_TRUE(world.settle());
  bool mixed = false;
  world.api.after = [&](const client::Request&) -> std::optional<ApiStatus> {
    std::set<std::string> images;
    for (const ObjectPtr& pod : world.api.list(pods(), "default")) {
      images.insert(std::string(core_v1::Pod(*pod).spec().containers()[0].image()));
    }
    mixed = mixed || images.size() > 1;
    return std::nullopt;
  };
  world.set_image("web", "nginx:2");
  ASSERT_TRUE(world.settle());
  EXPECT_FALSE(mixed);
  EXPECT_EQ(world.count_pods(true), 4);
}

TEST(Deployment, pauses_scales_while_paused_and_resumes) {
  ControlWorld world;
  world.make_deployment("web", 2);
  ASSERT_TRUE(world.settle());
  auto pause = [&](bool paused) {
    world.change<apps_v1::DeploymentEdit>(deployments(), "web",
                                          [&](auto& edit) { edit.edit_spec().set_paused(paused); });
  };
  pause(true);
  world.set_image("web", "nginx:2");
  world.scale("web", 5);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.list(replica_sets()).size(), 1u);
  EXPECT_EQ(world.count_pods(true), 5);
  EXPECT_EQ(world.condition(*world.deployment("web"), "Progressing").reason(), "DeploymentPaused");
  pause(false);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.api.list(replica_sets()).size(), 2u);
  EXPECT_EQ(world.count_pods(true), 5);
}

TEST(Deployment, keeps_its_history_limit) {
  ControlWorld world;
  world.make_deployment("web", 1);
  world.change<apps_v1::DeploymentEdit>(
      deployments(), "web", [&](auto& edit) { edit.edit_spec().set_revision_history_limit(2); });
  for (int i = 2; i < 8; ++i) {
    world.set_image("web", "nginx:" + std::to_string(i));
    ASSERT_TRUE(world.settle());
  }
  EXPECT_EQ(world.api.list(replica_sets()).size(), 3u);
}

TEST(Deployment, a_name_that_is_taken_is_hashed_again) {
  ControlWorld world;
  world.make_deployment("web", 1);
  ASSERT_TRUE(world.settle());
  ObjectPtr set = world.api.list(replica_sets())[0];
  world.api.remove(deployments(), "default", "web", "Orphan");
  ASSERT_TRUE(world.settle());
  Draft draft(*world.api.get(replica_sets(), "default", name_of(*set)));
  edit_metadata(draft).clear_owner_references();
  edit_metadata(draft).edit_labels().set("app", "other");
  world.api.put(replica_sets(), draft.freeze());
  world.make_deployment("web", 1);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(apps_v1::Deployment(*world.deployment("web")).status().collision_count(), 1);
  EXPECT_EQ(world.api.list(replica_sets()).size(), 2u);
  EXPECT_EQ(world.condition(*world.deployment("web"), "Progressing").reason(),
            "NewReplicaSetAvailable");
}

TEST(ReplicaSet, adopts_matching_orphans_and_releases_what_no_longer_matches) {
  ControlWorld world;
  Draft draft = core_v1::Pod::make();
  edit_metadata(draft).set_name("orphan");
  edit_metadata(draft).set_namespace("default");
  core_v1::PodEdit(draft).edit_spec().edit_containers().append().set_name("c");
  ObjectPtr orphan = world.api.put(pods(), draft.freeze());
  world.make_deployment("web", 2);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.count_pods(), 3);
  auto relabel = [&](const ObjectPtr& pod, const MapView<std::string_view>& labels) {
    Draft changed(*world.api.get(pods(), "default", name_of(*pod)));
    edit_metadata(changed).set_labels(labels);
    world.api.put(pods(), changed.freeze());
  };
  ObjectPtr set = world.api.list(replica_sets())[0];
  relabel(orphan, metadata(*set).labels());
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.count_pods(), 2);
  ObjectPtr one = world.api.list(pods())[0];
  EXPECT_TRUE(is_controlled_by(*one, uid_of(*set)));
  relabel(one, MapView<std::string_view>());
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.count_pods(), 3);
  ObjectPtr released = world.api.get(pods(), "default", name_of(*one));
  ASSERT_TRUE(released);
  EXPECT_TRUE(metadata(*released).owner_references().empty());
}

TEST(ReplicaSet, a_quota_that_refuses_pods_is_told_and_makes_no_hot_loop) {
  ControlWorld world;
  bool refuse = true;
  world.api.before = [&](const client::Request& request) -> std::optional<ApiStatus> {
    bool creates_pod = request.method == "POST" && request.path.ends_with("/pods");
    if (!refuse || !creates_pod) return std::nullopt;
    return ApiStatus::forbidden("", "pods", "web-x", "exceeded quota: q");
  };
  world.make_deployment("web", 5);
  world.loop.run_for(minutes(30));
  ObjectPtr set = world.api.list(replica_sets())[0];
  ASSERT_EQ(apps_v1::ReplicaSet(*set).status().conditions().size(), 1u);
  EXPECT_EQ(apps_v1::ReplicaSet(*set).status().conditions()[0].reason(), "FailedCreate");
  EXPECT_EQ(world.condition(*world.deployment("web"), "ReplicaFailure").reason(), "FailedCreate");
  EXPECT_LT(world.api.request_count(), 1000u);
  refuse = false;
  ASSERT_TRUE(world.settle(std::chrono::hours(2), std::chrono::minutes(20)));
  EXPECT_EQ(world.count_pods(true), 5);
  EXPECT_EQ(world.condition(*world.deployment("web"), "ReplicaFailure").type(), "");
}

TEST(ReplicaSet, a_lagging_cache_never_makes_it_act_twice) {
  ControlWorld world(7, kWorkloads);
  world.api.set_watch_lag(milliseconds(700));
  int32_t most = 0;
  world.api.after = [&](const client::Request&) -> std::optional<ApiStatus> {
    most = std::max(most, world.count_pods());
    return std::nullopt;
  };
  world.make_deployment("web", 6);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(most, 6);
  world.scale("web", 2);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.count_pods(true), 2);
  size_t deletes = 0;
  for (const std::string& write : world.api.writes()) deletes += write.starts_with("DELETE ");
  EXPECT_EQ(deletes, 4u);
}

TEST(ReplicaSet, pods_that_were_never_ready_go_first) {
  ControlWorld world;
  world.make_deployment("web", 3);
  ASSERT_TRUE(world.settle());
  std::set<std::string> old;
  for (const ObjectPtr& pod : world.api.list(pods())) old.insert(std::string(name_of(*pod)));
  world.nodes.hold(true);
  world.scale("web", 6);
  ASSERT_TRUE(world.settle());
  EXPECT_EQ(world.count_pods(), 6);
  world.scale("web", 3);
  ASSERT_TRUE(world.settle());
  std::set<std::string> left;
  for (const ObjectPtr& pod : world.api.list(pods())) left.insert(std::string(name_of(*pod)));
  EXPECT_EQ(left, old);
}

// Anything may happen in between: the end is what the spec asks for.
class Seeds : public testing::TestWithParam<uint64_t> {};

void random_step(ControlWorld& world, SeededRandom& dice) {
  switch (dice.below(8)) {
    case 0:
      return world.scale("web", static_cast<int32_t>(dice.below(9)));
    case 1:
      return world.set_image("web", "nginx:" + std::to_string(dice.below(3)));
    case 2:
      return world.restart();
    case 3:
      return world.api.break_watches();
    case 4:
      world.api.break_watches();
      return world.api.compact();
    case 5:
      return world.api.set_watch_lag(milliseconds(dice.below(3) * 400));
    case 6: {
      std::vector<ObjectPtr> all = world.api.list(pods(), "default");
      if (all.empty()) return;
      return world.api.remove(pods(), "default", name_of(*all[dice.below(all.size())]));
    }
    default:
      return;
  }
}

TEST_P(Seeds, random_sequences_end_in_the_wished_state) {
  uint64_t seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  ControlWorld world(seed);
  SeededRandom dice(seed * 977);
  auto fault = [&](const client::Request& request) -> std::optional<ApiStatus> {
    if (request.method == "GET" || dice.below(12) != 0) return std::nullopt;
    if (dice.below(2) == 0) return ApiStatus::conflict("", "x", "y", "somebody was faster");
    return ApiStatus::service_unavailable("connection reset by peer");
  };
  world.api.before = fault;
  world.api.after = fault;  // the write happened, its answer is lost
  world.make_deployment("web", 4);
  for (int i = 0; i < 25; ++i) {
    random_step(world, dice);
    world.loop.run_for(milliseconds(dice.below(4000)));
  }
  world.api.before = nullptr;
  world.api.after = nullptr;
  world.api.set_watch_lag(Duration::zero());
  world.scale("web", 5);
  world.set_image("web", "nginx:final");
  // Whoever failed often waits long.
  ASSERT_TRUE(world.settle(std::chrono::hours(6), std::chrono::minutes(20)));
  EXPECT_EQ(world.count_pods(true), 5);
  for (const ObjectPtr& pod : world.api.list(pods(), "default")) {
    EXPECT_EQ(core_v1::Pod(*pod).spec().containers()[0].image(), "nginx:final");
  }
  apps_v1::DeploymentStatus status = apps_v1::Deployment(*world.deployment("web")).status();
  EXPECT_EQ(status.available_replicas(), 5);
  EXPECT_EQ(status.replicas(), 5);
  size_t writes = world.api.write_count();
  world.loop.run_for(std::chrono::hours(2));
  EXPECT_EQ(world.api.write_count(), writes) << world.api.writes().back();
}

INSTANTIATE_TEST_SUITE_P(Deployment, Seeds, testing::Range<uint64_t>(1, 13));

TEST(DeploymentMath, proportional_scaling_spreads_by_size_and_gives_the_rest_to_the_largest) {
  Draft draft = apps_v1::ReplicaSet::make();
  edit_metadata(draft).edit_annotations().set(kMaxReplicas, "10");
  ObjectPtr object = draft.freeze();
  ReplicaSetState large{object, 8, 8};
  ReplicaSetState small{object, 2, 2};
  RolloutLimits limits{.replicas = 20, .max_surge = 0, .max_unavailable = 0, .rolling = true};
  scale_proportionally(limits, 10, {&large, &small});
  EXPECT_EQ(large.wanted, 16);
  EXPECT_EQ(small.wanted, 4);
  ReplicaSetState a{object, 3, 3}, b{object, 3, 3}, c{object, 4, 4};
  limits.replicas = 11;
  scale_proportionally(limits, 10, {&a, &b, &c});
  EXPECT_EQ(a.wanted + b.wanted + c.wanted, 11);
  EXPECT_EQ(c.wanted, 5);
}

TEST(DeploymentMath, limits_round_surge_up_and_unavailability_down) {
  Draft draft = apps_v1::Deployment::make();
  auto spec = apps_v1::DeploymentEdit(draft).edit_spec();
  spec.set_replicas(3);
  auto rolling = spec.edit_strategy().edit_rolling_update();
  rolling.set_max_surge(Value::of_text(ValueType::kString, "25%"));
  rolling.set_max_unavailable(Value::of_text(ValueType::kString, "25%"));
  RolloutLimits limits = rollout_limits(apps_v1::Deployment(draft));
  EXPECT_EQ(limits.max_surge, 1);
  EXPECT_EQ(limits.max_unavailable, 0);
  rolling.set_max_surge(Value::of_int(0));
  EXPECT_EQ(rollout_limits(apps_v1::Deployment(draft)).max_unavailable, 1);
}

}  // namespace
}  // namespace tiphys::controllers
