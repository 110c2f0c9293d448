#include "kubelet/runtime/cri_records.h"

#include <gtest/gtest.h>

#include "kubelet/node/node_object.h"

namespace tiphys::kubelet {
namespace {

TEST(CriRecords, WhoAContainerRunsAs) {
  Draft draft{cri_v1::ContainerStatus::message_type()};
  cri_v1::ContainerStatusEdit status(draft);
  EXPECT_EQ(container_record(status.view()).user, std::nullopt);
  cri_v1::LinuxContainerUserEdit user = status.edit_user().edit_linux();
  user.set_uid(1000);
  user.edit_supplemental_groups().append(7);
  std::optional<ContainerUser> read = container_record(status.view()).user;
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (ContainerUser{1000, 0, {7}}));
}

struct RuntimeStatusTest : testing::Test {
  Draft draft{cri_v1::StatusResponse::message()};
  cri_v1::StatusResponseEdit answer{draft};

  // What the node says of it.
  ObjectPtr node() {
    RuntimeStatus status = runtime_status(answer.view());
    NodeFacts facts;
    facts.handlers = status.handlers;
    facts.supplemental_groups_policy = status.supplemental_groups_policy;
    return new_node(facts, Options());
  }
};

TEST_F(RuntimeStatusTest, AnOldRuntimeSaysNothingOfItself) {
  ObjectPtr made = node();
  core_v1::NodeStatus status = core_v1::Node(*made).status();
  EXPECT_FALSE(status.has_runtime_handlers());
  EXPECT_FALSE(status.has_features());
}

TEST_F(RuntimeStatusTest, HandlersAndFeaturesAreTheNodes) {
  for (const char* name : {"runc", ""}) {
    cri_v1::RuntimeHandlerEdit handler = answer.edit_runtime_handlers().append();
    handler.set_name(name);
    handler.edit_features().set_recursive_read_only_mounts(true);
  }
  answer.edit_runtime_handlers()[0].edit_features().set_user_namespaces(true);
  answer.edit_features();
  ObjectPtr made = node();
  core_v1::NodeStatus status = core_v1::Node(*made).status();
  ASSERT_EQ(status.runtime_handlers().size(), 2u);
  core_v1::NodeRuntimeHandler first = status.runtime_handlers()[0];
  EXPECT_EQ(first.name(), "") << "in order, whatever the runtime's is";
  EXPECT_TRUE(first.features().recursive_read_only_mounts());
  EXPECT_TRUE(first.features().has_user_namespaces());
  EXPECT_FALSE(first.features().user_namespaces());
  EXPECT_TRUE(status.runtime_handlers()[1].features().user_namespaces());
  EXPECT_TRUE(status.features().has_supplemental_groups_policy());
  EXPECT_FALSE(status.features().supplemental_groups_policy());
  answer.edit_features().set_supplemental_groups_policy(true);
  made = node();
  EXPECT_TRUE(core_v1::Node(*made).status().features().supplemental_groups_policy());
}

}  // namespace
}  // namespace tiphys::kubelet
