// Informers against the model API server: they follow, resume, list again after 410, and survive an
// API server that is away.
#include "client/informer.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "client/object_key.h"
#include "kinds/core_v1.h"
#include "tests/fake/fake_api.h"

namespace tiphys::client {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const schema::Resource& config_maps() { return *schema::find_resource("", "v1", "configmaps"); }

ObjectPtr config_map(std::string_view name, std::string_view value = "1") {
  Draft draft = core_v1::ConfigMap::make();
  core_v1::ConfigMapEdit edit(draft);
  edit.edit_metadata().set_namespace("default");
  edit.edit_metadata().set_name(name);
  edit.edit_metadata().edit_labels().set("value", value);
  return draft.freeze();
}

struct InformerTest : testing::Test {
  ~InformerTest() override { loop.run(factory.stop()); }
  void record(Informer& informer) {
    informer.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
      std::string what = !old ? "+" : !now ? "-" : "~";
      seen.push_back(what + std::string(metadata(now ? *now : *old).name()));
    });
  }
  SimLoop loop;
  SeededRandom random{1};
  fake::FakeApi api{loop};
  Client client{api, "test"};
  InformerFactory factory{loop, client, random};
  std::vector<std::string> seen;
};

TEST_F(InformerTest, follows_creates_updates_and_deletes) {
  api.put(config_maps(), config_map("a"));
  Informer& informer = factory.informer(config_maps());
  record(informer);
  EXPECT_FALSE(informer.synced());
  factory.start();
  loop.run_for(seconds(1));
  EXPECT_TRUE(informer.synced());
  api.put(config_maps(), config_map("b"));
  api.put(config_maps(), config_map("a", "2"));
  api.remove(config_maps(), "default", "b");
  loop.run_for(seconds(1));
  EXPECT_EQ(seen, (std::vector<std::string>{"+a", "+b", "~a", "-b"}));
  EXPECT_EQ(informer.size(), 1u);
  EXPECT_EQ(informer.resource_version(), std::to_string(api.store().revision()));
  EXPECT_EQ(&factory.informer(config_maps()), &informer);
}

TEST_F(InformerTest, resumes_a_broken_watch_and_lists_again_after_410) {
  Informer& informer = factory.informer(config_maps());
  record(informer);
  api.put(config_maps(), config_map("a"));
  api.put(config_maps(), config_map("b"));
  factory.start();
  loop.run_for(seconds(1));
  api.break_watches();
  api.put(config_maps(), config_map("c"));
  loop.run_for(minutes(1));
  EXPECT_EQ(seen, (std::vector<std::string>{"+a", "+b", "+c"}));
  seen.clear();
  api.break_watches();
  api.remove(config_maps(), "default", "a");
  api.put(config_maps(), config_map("b", "2"));
  api.compact();
  api.put(config_maps(), config_map("d"));
  api.compact();
  loop.run_for(minutes(1));
  EXPECT_EQ(seen, (std::vector<std::string>{"-a", "~b", "+d"}));
}

// One request where the server can (KEP-3157), and lists where it can't.
TEST_F(InformerTest, streams_the_first_state_and_goes_on_from_there) {
  for (int i = 0; i < 1200; ++i) api.put(config_maps(), config_map("m" + std::to_string(i)));
  Informer& informer = factory.informer(config_maps(), {.send_initial_events = true});
  factory.start();
  loop.run_for(seconds(1));
  EXPECT_TRUE(informer.synced());
  EXPECT_EQ(informer.size(), 1200u);
  EXPECT_EQ(api.request_count(), 1u);
  record(informer);
  loop.run_for(seconds(1));
  seen.clear();
  api.put(config_maps(), config_map("m7", "2"));
  loop.run_for(seconds(1));
  api.break_watches();
  api.remove(config_maps(), "default", "m8");
  loop.run_for(minutes(1));
  EXPECT_EQ(seen, (std::vector<std::string>{"~m7", "-m8"}));
  seen.clear();
  api.break_watches();
  api.remove(config_maps(), "default", "m9");
  api.compact();
  loop.run_for(minutes(1));
  EXPECT_EQ(seen, (std::vector<std::string>{"-m9"}));
}

TEST_F(InformerTest, lists_where_the_server_does_not_stream) {
  api.put(config_maps(), config_map("a"));
  int asked = 0;
  api.before = [&](const Request& request) -> std::optional<ApiStatus> {
    if (request.query.find("sendInitialEvents") == std::string::npos) return std::nullopt;
    ++asked;
    return ApiStatus(422, "Invalid", "sendInitialEvents is forbidden for watch");
  };
  Informer& informer = factory.informer(config_maps(), {.send_initial_events = true});
  factory.start();
  loop.run_for(minutes(1));
  EXPECT_TRUE(informer.synced());
  EXPECT_EQ(asked, 1);
}

TEST_F(InformerTest, waits_longer_and_longer_for_a_server_that_is_away) {
  bool away = true;
  api.before = [&](const Request&) -> std::optional<ApiStatus> {
    if (!away) return std::nullopt;
    return ApiStatus::service_unavailable("connection refused");
  };
  Informer& informer = factory.informer(config_maps());
  factory.start();
  loop.run_for(minutes(10));
  EXPECT_LT(api.request_count(), 40u);
  EXPECT_GT(api.request_count(), 10u);
  away = false;
  loop.run_for(minutes(1));
  EXPECT_TRUE(informer.synced());
}

TEST_F(InformerTest, a_server_that_always_answers_410_makes_no_hot_loop) {
  Informer& informer = factory.informer(config_maps());
  api.before = [&](const Request& request) -> std::optional<ApiStatus> {
    if (request.query.find("watch=true") == std::string::npos) return std::nullopt;
    return ApiStatus::expired("too old resource version");
  };
  factory.start();
  loop.run_for(minutes(10));
  EXPECT_LT(api.request_count(), 80u);
  EXPECT_TRUE(informer.synced());
}

TEST_F(InformerTest, late_handlers_see_what_is_there_and_indexes_follow) {
  Informer& informer = factory.informer(config_maps());
  informer.add_index("value", [](const Object& object) -> std::vector<std::string> {
    return {std::string(metadata(object).labels().find("value"))};
  });
  api.put(config_maps(), config_map("a", "x"));
  api.put(config_maps(), config_map("b", "x"));
  factory.start();
  loop.run_for(seconds(1));
  record(informer);
  loop.run_for(seconds(1));
  EXPECT_EQ(seen, (std::vector<std::string>{"+a", "+b"}));
  EXPECT_EQ(informer.by_index("value", "x").size(), 2u);
  api.put(config_maps(), config_map("a", "y"));
  loop.run_for(seconds(1));
  EXPECT_EQ(informer.by_index("value", "x").size(), 1u);
  ASSERT_EQ(informer.by_index("value", "y").size(), 1u);
  EXPECT_EQ(metadata(*informer.by_index("value", "y")[0]).name(), "a");
  EXPECT_TRUE(informer.list("other").empty());
}

TEST_F(InformerTest, an_idle_watch_is_renewed_without_listing) {
  factory.informer(config_maps());
  factory.start();
  loop.run_for(std::chrono::hours(1));
  EXPECT_LE(api.request_count(), 2u);  // the model never ends a watch by itself
}

}  // namespace
}  // namespace tiphys::client
