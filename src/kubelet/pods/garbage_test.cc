#include "kubelet/pods/garbage.h"

#include <gtest/gtest.h>

namespace tiphys::kubelet {
namespace {

using Strings = std::vector<std::string>;

SandboxRecord sandbox(std::string id, std::string uid, MicroTime created, bool ready = false) {
  SandboxRecord out;
  out.id = std::move(id);
  out.pod_uid = std::move(uid);
  out.created = created;
  out.ready = ready;
  return out;
}

ContainerRecord container_in(std::string sandbox_id) {
  ContainerRecord out;
  out.sandbox_id = std::move(sandbox_id);
  out.state = ContainerState::kExited;
  return out;
}

TEST(Garbage, OldDeadSandboxesGo) {
  RuntimeList list;
  list.sandboxes = {sandbox("old", "u", 1), sandbox("now", "u", 3, true), sandbox("older", "u", 0)};
  EXPECT_EQ(dead_sandboxes(list), (Strings{"old", "older"}));
}

TEST(Garbage, TheNewestStaysDeadOrAlive) {
  RuntimeList list;
  list.sandboxes = {sandbox("a", "u", 1), sandbox("b", "u", 2), sandbox("c", "other", 0)};
  EXPECT_EQ(dead_sandboxes(list), Strings{"a"});
}

TEST(Garbage, SandboxesThatAreReadyOrHoldContainersStay) {
  RuntimeList list;
  list.sandboxes = {sandbox("ready", "u", 1, true), sandbox("holds", "u", 2),
                    sandbox("now", "u", 3, true)};
  list.containers = {container_in("holds")};
  EXPECT_EQ(dead_sandboxes(list), Strings{});
}

TEST(Garbage, OfTheSameMomentTheLaterAttemptStays) {
  RuntimeList list;
  list.sandboxes = {sandbox("second", "u", 1), sandbox("first", "u", 1)};
  list.sandboxes[0].attempt = 1;
  EXPECT_EQ(dead_sandboxes(list), Strings{"first"});
}

TEST(Garbage, LogFoldersOfPodsThatAreGone) {
  Strings folders = {"ns_gone_u1", "ns_here_u2", "notes", "a_b", "a_b_c_d", "__u1", "ns_no-uid_"};
  EXPECT_EQ(orphaned_log_folders(folders, {"u2"}), Strings{"ns_gone_u1"});
  EXPECT_EQ(log_folder_uid("ns_name.with-dots_0123"), "0123");
}

}  // namespace
}  // namespace tiphys::kubelet
