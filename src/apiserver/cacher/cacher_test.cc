#include "apiserver/cacher/cacher_fixture.h"
#include "apiserver/cacher/event_window.h"

namespace tiphys::apiserver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(CacherTest, what_the_store_held_is_there_after_the_start) {
  put("b", "x", "red");
  put("a", "y", "blue");
  EXPECT_FALSE(maps().ready());
  start();
  EXPECT_TRUE(maps().ready());
  EXPECT_EQ(maps().revision(), 3);
  ListPage page = list({});
  EXPECT_THAT(names(page), ElementsAre("a/y", "b/x"));
  EXPECT_EQ(page.revision, 3);
  EXPECT_EQ(resource_version_of(*maps().get("b", "x")), "2");
  EXPECT_EQ(maps().get("b", "y"), nullptr);
}

TEST_F(CacherTest, own_writes_are_seen_at_once_and_share_the_writers_object) {
  start();
  Draft draft = config_map("ns", "a", "red");
  auto bytes = std::make_shared<std::string>();
  codec::encode_object(codec::Format::kProtobuf, draft.type(), draft.root(), draft.gvk(), *bytes);
  auto pending = std::make_shared<const PendingObject>(std::move(draft));
  storage::Txn txn;
  txn.puts.push_back({store_key(config_maps_, "ns", "a"), bytes, 0, pending});
  auto result = loop_.run(store_->txn(std::move(txn)));
  ASSERT_TRUE(result);
  EXPECT_EQ(pending->stamp(result->revision), maps().get("ns", "a"));
  EXPECT_EQ(resource_version_of(*maps().get("ns", "a")), "2");
  EXPECT_EQ(pending.use_count(), 1);
}

TEST_F(CacherTest, writes_of_others_are_decoded) {
  start();
  put("ns", "a", "red", false);
  ASSERT_TRUE(maps().get("ns", "a"));
  EXPECT_EQ(metadata(*maps().get("ns", "a")).labels().find("color"), "red");
  erase("ns", "a");
  EXPECT_FALSE(maps().get("ns", "a"));
  EXPECT_EQ(maps().size(), 0u);
}

TEST_F(CacherTest, pages_follow_each_other_and_count_what_is_left) {
  start();
  for (auto name : {"a", "b", "c", "d", "e"}) put("ns", name, "red");
  put("other", "z", "red");
  ListQuery query;
  query.ns = "ns";
  query.limit = 2;
  ListPage page = list(query);
  EXPECT_THAT(names(page), ElementsAre("ns/a", "ns/b"));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.remaining, 3);
  query.from = page.next;
  query.limit = 3;
  page = list(query);
  EXPECT_THAT(names(page), ElementsAre("ns/c", "ns/d", "ns/e"));
  EXPECT_FALSE(page.more);
  query = {};
  query.limit = 1;
  query.predicate = color_is("red");
  page = list(query);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.remaining, -1);
}

TEST_F(CacherTest, a_namespace_is_not_the_prefix_of_another) {
  start();
  put("ns", "a", "red");
  put("ns-2", "a", "red");
  put("ns2", "a", "red");
  ListQuery query;
  query.ns = "ns";
  EXPECT_THAT(names(list(query)), ElementsAre("ns/a"));
}

TEST_F(CacherTest, a_list_of_a_slightly_older_state_comes_from_the_window) {
  start();
  put("ns", "a", "red");
  Revision at = put("ns", "b", "red");
  put("ns", "a", "blue");
  erase("ns", "b");
  put("ns", "c", "red");
  ListQuery query;
  query.at = at;
  ListPage page = list(query);
  EXPECT_THAT(names(page), ElementsAre("ns/a", "ns/b"));
  EXPECT_EQ(page.revision, at);
  EXPECT_EQ(metadata(*page.items[0]).labels().find("color"), "red");
  query.limit = 1;
  page = list(query);
  EXPECT_EQ(page.remaining, 1);
  query.from = page.next;
  EXPECT_THAT(names(list(query)), ElementsAre("ns/b"));
}

TEST_F(CacherTest, a_list_of_a_state_before_the_window_comes_from_the_store) {
  put("ns", "a", "red");
  Revision at = put("ns", "b", "red");
  put("ns", "b", "blue");
  put("ns", "c", "red");
  start();
  ListQuery query;
  query.at = at;
  auto cached = maps().list(query);
  ASSERT_TRUE(cached);
  EXPECT_FALSE(*cached);
  query.limit = 1;
  auto page = loop_.run(maps().list_exact(query));
  ASSERT_TRUE(page);
  EXPECT_THAT(names(*page), ElementsAre("ns/a"));
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->remaining, 1);
  query.from = page->next;
  page = loop_.run(maps().list_exact(query));
  EXPECT_THAT(names(*page), ElementsAre("ns/b"));
  EXPECT_FALSE(page->more);
  EXPECT_EQ(resource_version_of(*page->items[0]), std::to_string(at));
  query = {};
  query.at = at;
  query.limit = 1;
  query.predicate = color_is("red");
  page = loop_.run(maps().list_exact(query));
  EXPECT_THAT(names(*page), ElementsAre("ns/a"));
  EXPECT_TRUE(page->more);
}

TEST_F(CacherTest, a_list_of_the_future_or_of_compacted_history_is_an_error) {
  put("ns", "a", "red");
  put("ns", "a", "blue");
  ASSERT_TRUE(loop_.run(store_->compact(3)));
  start();
  ListQuery query;
  query.at = 9;
  auto future = maps().list(query);
  ASSERT_FALSE(future);
  EXPECT_EQ(future.error().code(), 504);
  EXPECT_EQ(future.error().message(), "Timeout: Too large resource version: 9, current: 3");
  query.at = 2;
  auto old = loop_.run(maps().list_exact(query));
  ASSERT_FALSE(old);
  EXPECT_TRUE(old.error().is_gone());
}

TEST_F(CacherTest, an_object_that_cant_be_decoded_fails_lists_but_not_others) {
  put("ns", "good", "red");
  put_bytes("/registry/configmaps/ns/bad", std::string("k8s\0\xff\xff\xff garbage", 15));
  put_bytes("/registry/configmaps/other/worse", "not even that");
  start();
  EXPECT_FALSE(maps().get("ns", "bad"));
  ASSERT_TRUE(maps().problem("ns", "bad"));
  EXPECT_THAT(maps().problem("ns", "bad")->message(),
              HasSubstr("unable to decode the stored object /registry/configmaps/ns/bad"));
  EXPECT_FALSE(maps().problem("ns", "good"));
  EXPECT_TRUE(maps().get("ns", "good"));
  ListQuery query;
  query.ns = "ns";
  EXPECT_FALSE(maps().list(query));
  erase("ns", "bad");
  EXPECT_FALSE(maps().problem("ns", "bad"));
  EXPECT_THAT(names(list(query)), ElementsAre("ns/good"));
}

TEST_F(CacherTest, waiting_for_a_revision) {
  start();
  EXPECT_TRUE(loop_.run(maps().wait_for(1, std::chrono::seconds(1))));
  EXPECT_FALSE(loop_.run(maps().wait_for(5, std::chrono::seconds(1))));
  bool reached = false;
  spawn([](Cacher& cacher, bool* out) -> Task<void> {
    *out = co_await cacher.wait_for(3, std::chrono::minutes(1));
  }(maps(), &reached));
  put("ns", "a", "red");
  loop_.run_ready();
  EXPECT_FALSE(reached);
  put_bytes("/registry/pods/ns/undecodable", "x");  // another resource counts too
  loop_.run_ready();
  EXPECT_TRUE(reached);
  EXPECT_EQ(*loop_.run(hub_.wait_consistent(std::chrono::seconds(1))), 3);
}

TEST_F(CacherTest, change_handlers_see_what_is_there_and_every_change) {
  put("ns", "a", "red");
  std::vector<std::string> log;
  auto record = [&log](const ObjectPtr& old, const ObjectPtr& now) {
    log.push_back((old ? "old " + std::string(resource_version_of(*old)) : "none") + " -> " +
                  (now ? "new " + std::string(resource_version_of(*now)) : "none"));
  };
  hub_.lookup().on_change("", "configmaps", record);
  start();
  EXPECT_THAT(log, ElementsAre("none -> new 2"));
  log.clear();
  put("ns", "a", "blue");
  erase("ns", "a");
  EXPECT_THAT(log, ElementsAre("old 2 -> new 3", "old 3 -> none"));
  EXPECT_EQ(hub_.lookup().list("", "configmaps", "").size(), 0u);
}

TEST_F(CacherTest, resources_added_later_load_by_themselves) {
  put_bytes("/registry/secrets/ns/s",
            R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","namespace":"ns"}})");
  start();
  auto& secrets = *schema::find_resource("", "v1", "secrets");
  Cacher& cacher = hub_.add(secrets);
  EXPECT_TRUE(loop_.run_until([&] { return cacher.ready(); }));
  ASSERT_TRUE(cacher.get("ns", "s"));
  EXPECT_EQ(resource_version_of(*cacher.get("ns", "s")), "2");
  hub_.remove(secrets);
  EXPECT_EQ(hub_.find(secrets), nullptr);
}

TEST(EventWindowTest, age_and_size_bound_it) {
  EventWindow window;
  window.reset(10);
  EXPECT_TRUE(window.covers(10));
  EXPECT_FALSE(window.covers(9));
  auto add = [&window](storage::Revision revision, int second) {
    auto event = std::make_shared<CacheEvent>();
    event->revision = revision;
    event->at = std::chrono::seconds(second);
    window.add(event);
  };
  for (int i = 0; i < 200; ++i) add(11 + i, i / 10);
  EXPECT_EQ(window.size(), 200u) << "young events stay";
  add(211, 1'000);
  EXPECT_EQ(window.size(), kMinWindowEvents) << "old ones go, but for a minimum";
  EXPECT_EQ(window.start(), 111);
  EXPECT_TRUE(window.covers(111));
  EXPECT_FALSE(window.covers(110));
  for (size_t i = 0; i < kMaxWindowEvents; ++i) add(212 + static_cast<int>(i), 1'001);
  EXPECT_EQ(window.size(), kMaxWindowEvents);
}

TEST(EventWindowTest, a_transaction_is_dropped_as_a_whole) {
  EventWindow window;
  window.reset(0);
  for (size_t i = 0; i <= kMaxWindowEvents; ++i) {
    auto event = std::make_shared<CacheEvent>();
    event->revision = static_cast<storage::Revision>(1 + i / 4);
    window.add(event);
  }
  EXPECT_EQ(window.start(), 1);
  EXPECT_EQ(window.size(), kMaxWindowEvents - 3);
}

}  // namespace
}  // namespace tiphys::apiserver
