// Names, claims and plans of StatefulSets; whole lives are in tests/control/stateful_set*.yaml.
#include <gtest/gtest.h>

#include "controllers/controller_revision.h"
#include "controllers/resources.h"
#include "controllers/stateful_pod.h"
#include "controllers/stateful_set_plan.h"
#include "kinds/metadata.h"

namespace tiphys::controllers {
namespace {

ObjectPtr set_of(int32_t replicas, std::string_view when_deleted = "Retain",
                 std::string_view when_scaled = "Retain", std::string_view policy = "Parallel") {
  Draft draft = apps_v1::StatefulSet::make();
  apps_v1::StatefulSetEdit set(draft);
  set.edit_metadata().set_name("web");
  set.edit_metadata().set_namespace("default");
  set.edit_metadata().set_uid("set-uid");
  auto spec = set.edit_spec();
  spec.set_replicas(replicas);
  spec.set_pod_management_policy(policy);
  spec.edit_selector().edit_match_labels().set("app", "web");
  spec.edit_template().edit_metadata().edit_labels().set("app", "web");
  spec.edit_template().edit_spec().edit_volumes().append().set_name("data");
  spec.edit_template().edit_spec().edit_volumes().append().set_name("tmp");
  spec.edit_volume_claim_templates().append().edit_metadata().set_name("data");
  spec.edit_persistent_volume_claim_retention_policy().set_when_deleted(when_deleted);
  spec.edit_persistent_volume_claim_retention_policy().set_when_scaled(when_scaled);
  return draft.freeze();
}

ObjectPtr pod_of(const Object& set, int64_t ordinal) {
  ObjectPtr made =
      new_stateful_pod(set, apps_v1::StatefulSet(set).spec().template_(), "web-1", ordinal);
  Draft draft(*made);
  edit_metadata(draft).set_uid("pod-uid");
  return draft.freeze();
}

TEST(StatefulPod, names_have_an_ordinal_at_their_end) {
  auto name = parse_stateful_pod_name("my-web-12");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->set, "my-web");
  EXPECT_EQ(name->ordinal, 12);
  for (std::string_view other :
       {"web", "web-", "web-x", "web-01", "web--1", "web-1x", "", "web-99999999999999999999"}) {
    auto parsed = parse_stateful_pod_name(other);
    EXPECT_TRUE(!parsed || other == "web--1") << other;
  }
  EXPECT_EQ(parse_stateful_pod_name("web--1")->set, "web-");
  EXPECT_EQ(stateful_pod_name("web", 2147483648), "web-2147483648");
}

TEST(StatefulPod, a_claims_volume_takes_the_place_of_the_templates) {
  ObjectPtr set = set_of(1);
  ObjectPtr object = pod_of(*set, 3);
  core_v1::Pod pod(*object);
  ASSERT_EQ(pod.spec().volumes().size(), 2);
  EXPECT_EQ(pod.spec().volumes()[0].persistent_volume_claim().claim_name(), "data-web-3");
  EXPECT_EQ(pod.spec().volumes()[1].name(), "tmp");
  EXPECT_TRUE(identity_matches(pod));
  EXPECT_TRUE(storage_matches(apps_v1::StatefulSet(*set), pod, 3));
  EXPECT_FALSE(storage_matches(apps_v1::StatefulSet(*set), pod, 4));
  Draft broken(*object);
  edit_metadata(broken).clear_labels();
  core_v1::PodEdit(broken).edit_spec().clear_volumes();
  ObjectPtr repaired = repaired_pod(apps_v1::StatefulSet(*set), *broken.freeze(), 3);
  EXPECT_TRUE(identity_matches(core_v1::Pod(*repaired)));
  EXPECT_TRUE(storage_matches(apps_v1::StatefulSet(*set), core_v1::Pod(*repaired), 3));
}

struct Wanted {
  std::string_view when_deleted, when_scaled;
  bool in_range;
  std::string_view owner;  // kind; empty: none
};

class ClaimOwners : public testing::TestWithParam<Wanted> {};

TEST_P(ClaimOwners, follow_the_retention_policy) {
  const Wanted& wanted = GetParam();
  ObjectPtr set = set_of(1, wanted.when_deleted, wanted.when_scaled);
  ObjectPtr pod = pod_of(*set, 0);
  ClaimUser user{*set, "web-0", pod.get(), wanted.in_range};
  core_v1::PersistentVolumeClaim claim_template =
      apps_v1::StatefulSet(*set).spec().volume_claim_templates()[0];
  for (std::string_view start : {"", "StatefulSet", "Pod"}) {
    Draft draft(*new_stateful_claim(claim_template, user, 0));
    edit_metadata(draft).clear_owner_references();
    if (start == "StatefulSet") set_controller(draft, *set);
    if (start == "Pod") set_controller(draft, *pod);
    ObjectPtr before = draft.freeze();
    EXPECT_EQ(claim_owners_match(*before, user), start == wanted.owner) << start;
    ObjectPtr after = with_claim_owners(*before, user);
    EXPECT_TRUE(claim_owners_match(*after, user)) << start;
    auto owners = metadata(*after).owner_references();
    ASSERT_EQ(owners.size(), wanted.owner.empty() ? 0 : 1);
    if (!wanted.owner.empty()) EXPECT_EQ(owners[0].kind(), wanted.owner);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, ClaimOwners,
                         testing::Values(Wanted{"Retain", "Retain", true, ""},
                                         Wanted{"Retain", "Retain", false, ""},
                                         Wanted{"Delete", "Retain", true, "StatefulSet"},
                                         Wanted{"Delete", "Retain", false, "StatefulSet"},
                                         Wanted{"Retain", "Delete", true, ""},
                                         Wanted{"Retain", "Delete", false, "Pod"},
                                         Wanted{"Delete", "Delete", true, "StatefulSet"},
                                         Wanted{"Delete", "Delete", false, "Pod"}));

// An owner that is not the controller (as older releases wrote it) becomes it.
TEST(StatefulClaims, owners_become_controllers_and_earlier_ones_are_left_alone) {
  ObjectPtr set = set_of(1, "Delete", "Delete");
  ClaimUser user{*set, "web-0", nullptr, true};
  Draft draft = core_v1::PersistentVolumeClaim::make();
  set_controller(draft, *set);
  edit_metadata(draft).edit_owner_references()[0].clear_controller();
  EXPECT_FALSE(claim_owners_match(*draft.freeze(), user));
  EXPECT_TRUE(claim_owners_match(*with_claim_owners(*draft.freeze(), user), user));
  edit_metadata(draft).edit_owner_references()[0].set_uid("an earlier set");
  EXPECT_TRUE(claim_owners_match(*draft.freeze(), user));
  edit_metadata(draft).clear_owner_references();
  set_controller(draft, *pod_of(*set, 0));
  EXPECT_TRUE(is_claim_stale(*draft.freeze(), user));
  EXPECT_FALSE(is_claim_stale(*draft.freeze(), {*set, "web-1", nullptr, true}));
}

// Creations of a parallel set start slowly, each batch after one of its claims, up to a limit.
TEST(StatefulSetPlan, parallel_creations_double_and_are_bounded) {
  StatefulSetWorld world;
  world.set = set_of(2000);
  apps_v1::StatefulSet set(*world.set);
  std::string data = revision_data(set.spec().template_());
  world.revisions = {new_revision(*world.set, set.spec().template_(), data, "hash", 1)};
  world.claim_named = [](std::string_view) { return ObjectPtr(); };
  world.revision_named = world.claim_named;
  Decision decision = StatefulSetPlanner(world, 0).plan();
  std::map<int, int64_t> created;
  for (const Action& action : decision.actions) {
    if (action.verb != Action::Verb::kCreate) continue;
    EXPECT_EQ(action.resource == &pods(), action.batch % 2 == 1);
    if (action.resource == &pods()) ++created[action.batch];
  }
  int64_t sum = 0;
  for (auto [batch, count] : created) sum += count;
  EXPECT_EQ(sum, kStatefulBurst);
  EXPECT_EQ(created[1], 1);
  EXPECT_EQ(created[3], 2);
  EXPECT_EQ(created[5], 4);
}

}  // namespace
}  // namespace tiphys::controllers
