#include "kubelet/pods/reference_watch.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "kinds/metadata.h"
#include "tests/fake/fake_api.h"

namespace tiphys::kubelet {
namespace {

using std::chrono::seconds;

const schema::Resource& config_maps() { return *schema::find_resource("", "v1", "configmaps"); }

ObjectPtr config_map(std::string_view name, std::string_view value, bool immutable = false) {
  Draft draft = core_v1::ConfigMap::make();
  core_v1::ConfigMapEdit edit(draft);
  edit.edit_metadata().set_namespace("default");
  edit.edit_metadata().set_name(name);
  edit.edit_data().set("k", value);
  if (immutable) edit.set_immutable(true);
  return draft.freeze();
}

struct ReferenceWatchTest : testing::Test {
  ~ReferenceWatchTest() override { loop.run(watch.stop()); }
  void use(const std::string& uid, std::set<std::string> maps, std::set<std::string> secrets = {}) {
    References references;
    references.config_maps = std::move(maps);
    references.secrets = std::move(secrets);
    watch.set(
        uid, "default", references,
        [this, uid](std::string_view kind, const std::string& name, const std::string& revision) {
          told.push_back(uid + ": " + std::string(kind) + " " + name +
                         (revision.empty() ? " gone" : ""));
        });
    loop.run_for(seconds(1));
  }
  std::vector<std::string> take() {
    loop.run_for(seconds(1));
    return std::exchange(told, {});
  }
  using Told = std::vector<std::string>;

  SimLoop loop;
  SeededRandom random{1};
  fake::FakeApi api{loop};
  client::Client client{api, "kubelet"};
  ReferenceWatch watch{loop, client, random};
  Told told;
};

TEST_F(ReferenceWatchTest, TellsWhoUsesWhatChanges) {
  api.put(config_maps(), config_map("a", "1"));
  EXPECT_TRUE(watch.complete("u"));
  use("u", {"a", "later"});
  use("v", {"a"}, {"s"});
  EXPECT_TRUE(watch.complete("u"));
  EXPECT_EQ(watch.watches(), 3u) << "one an object";
  EXPECT_EQ(take(), (Told{"u: ConfigMap a", "u: ConfigMap later gone", "v: Secret s gone"}));
  api.put(config_maps(), config_map("a", "2"));
  EXPECT_EQ(take(), (Told{"u: ConfigMap a", "v: ConfigMap a"}));
  api.put(config_maps(), config_map("other", "2"));
  EXPECT_EQ(take(), Told{});
  api.put(config_maps(), config_map("later", "1"));
  EXPECT_EQ(take(), Told{"u: ConfigMap later"});
  api.remove(config_maps(), "default", "a");
  EXPECT_EQ(take(), (Told{"u: ConfigMap a gone", "v: ConfigMap a gone"}));
}

TEST_F(ReferenceWatchTest, ALastUserEndsTheWatch) {
  use("u", {"a", "b"});
  use("v", {"a"});
  use("u", {"b"});
  EXPECT_EQ(watch.watches(), 2u);
  watch.forget("v");
  EXPECT_EQ(watch.watches(), 1u);
  (void)take();
  api.put(config_maps(), config_map("a", "1"));
  api.put(config_maps(), config_map("b", "1"));
  EXPECT_EQ(take(), Told{"u: ConfigMap b"});
  watch.forget("u");
  watch.forget("u");
  EXPECT_EQ(watch.watches(), 0u);
}

TEST_F(ReferenceWatchTest, WhatIsImmutableIsNotWatched) {
  api.put(config_maps(), config_map("a", "1", true));
  use("u", {"a"});
  EXPECT_EQ(take(), Told{"u: ConfigMap a"});
  size_t before = api.request_count();
  api.put(config_maps(), config_map("a", "2", true));
  loop.run_for(std::chrono::hours(1));
  EXPECT_EQ(take(), Told{});
  EXPECT_EQ(api.request_count(), before) << "no watch is opened again";
  EXPECT_TRUE(watch.complete("u"));
}

TEST_F(ReferenceWatchTest, SaysWhenItCantKnow) {
  bool away = true;
  api.before = [&away](const client::Request&) {
    return away ? std::optional<ApiStatus>(ApiStatus(503, "ServiceUnavailable", "away"))
                : std::nullopt;
  };
  use("u", {"a"});
  EXPECT_FALSE(watch.complete("u"));
  EXPECT_EQ(take(), Told{});
  away = false;
  loop.run_for(std::chrono::minutes(2));
  EXPECT_TRUE(watch.complete("u"));
  EXPECT_EQ(take(), Told{"u: ConfigMap a gone"});
}

}  // namespace
}  // namespace tiphys::kubelet
