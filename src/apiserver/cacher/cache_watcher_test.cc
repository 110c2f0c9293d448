#include "apiserver/cacher/cacher_fixture.h"

namespace tiphys::apiserver {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(CacherTest, a_watch_after_a_revision_sees_what_came_since_and_what_comes) {
  start();
  Revision first = put("ns", "a", "red");
  put("ns", "a", "blue");
  WatchOptions options;
  options.after = first;
  auto watcher = watch(options);
  EXPECT_THAT(drain(*watcher), ElementsAre("MODIFIED ns/a blue@3"));
  put("ns", "b", "red");
  erase("ns", "a");
  EXPECT_THAT(drain(*watcher), ElementsAre("ADDED ns/b red@4", "DELETED ns/a blue@5"));
  EXPECT_FALSE(watcher->ended());
}

TEST_F(CacherTest, objects_enter_and_leave_a_selector) {
  start();
  WatchOptions options;
  options.predicate = color_is("red");
  options.after = 1;
  auto watcher = watch(options);
  put("ns", "a", "blue");
  EXPECT_THAT(drain(*watcher), IsEmpty());
  put("ns", "a", "red");
  put("ns", "a", "red");
  put("ns", "a", "blue");
  put("ns", "a", "green");
  EXPECT_THAT(drain(*watcher),
              ElementsAre("ADDED ns/a red@3", "MODIFIED ns/a red@4", "DELETED ns/a red@5"));
  put("ns", "a", "red");
  erase("ns", "a");
  EXPECT_THAT(drain(*watcher), ElementsAre("ADDED ns/a red@7", "DELETED ns/a red@8"));
}

TEST_F(CacherTest, the_previous_state_comes_along) {
  start();
  WatchOptions options;
  options.after = 1;
  auto watcher = watch(options);
  put("ns", "a", "red");
  ObjectPtr red = maps().get("ns", "a");
  put("ns", "a", "blue");
  EXPECT_EQ(watcher->try_next()->previous, nullptr);
  auto second = watcher->try_next();
  EXPECT_EQ(second->previous, red);
  EXPECT_EQ(second->object, maps().get("ns", "a")) << "shared, not copied";
}

TEST_F(CacherTest, a_watch_may_begin_with_the_present_state_and_mark_its_end) {
  put("ns", "b", "red");
  put("ns", "a", "red");
  put("other", "c", "red");
  start();
  WatchOptions options;
  options.ns = "ns";
  options.initial_state = true;
  options.initial_events_end = true;
  auto watcher = watch(options);
  put("ns", "d", "red");
  EXPECT_THAT(drain(*watcher), ElementsAre("ADDED ns/a red@3", "ADDED ns/b red@2", "BOOKMARK@4 end",
                                           "ADDED ns/d red@5"));
  auto empty = watch({.ns = "none", .initial_state = true, .initial_events_end = true});
  EXPECT_THAT(drain(*empty), ElementsAre("BOOKMARK@5 end"));
}

TEST_F(CacherTest, a_watch_of_one_name) {
  put("ns", "a", "red");
  put("ns", "ab", "red");
  put("other", "a", "red");
  start();
  auto one = watch({.ns = "ns", .name = "a", .initial_state = true});
  auto everywhere = watch({.name = "a", .initial_state = true});
  put("ns", "ab", "blue");
  put("ns", "a", "blue");
  put("other", "a", "blue");
  EXPECT_THAT(drain(*one), ElementsAre("ADDED ns/a red@2", "MODIFIED ns/a blue@6"));
  EXPECT_THAT(drain(*everywhere), ElementsAre("ADDED ns/a red@2", "ADDED other/a red@4",
                                              "MODIFIED ns/a blue@6", "MODIFIED other/a blue@7"));
}

TEST_F(CacherTest, a_watch_from_before_the_window_is_too_old) {
  put("ns", "a", "red");
  put("ns", "a", "blue");
  start();
  WatchOptions options;
  options.after = 2;
  auto watcher = maps().watch(options);
  ASSERT_FALSE(watcher);
  EXPECT_EQ(watcher.error().code(), 410);
  EXPECT_EQ(watcher.error().reason(), "Expired");
  EXPECT_EQ(watcher.error().message(), "too old resource version: 2 (3)");
}

TEST_F(CacherTest, a_watch_from_the_future_sees_nothing_older) {
  start();
  WatchOptions options;
  options.after = 3;
  auto watcher = watch(options);
  put("ns", "a", "red");
  EXPECT_FALSE(watcher->bookmark()) << "it must not run back";
  put("ns", "a", "blue");
  put("ns", "a", "green");
  EXPECT_THAT(drain(*watcher), ElementsAre("MODIFIED ns/a green@4"));
}

TEST_F(CacherTest, bookmarks_come_every_minute_and_never_run_ahead) {
  start();
  auto watcher = watch({.after = 1, .bookmarks = true});
  auto without = watch({.after = 1});
  put("ns", "a", "red");
  put_bytes("/registry/pods/ns/p", "x");
  EXPECT_THAT(drain(*watcher), ElementsAre("ADDED ns/a red@2"));
  loop_.run_for(std::chrono::seconds(61));
  EXPECT_THAT(drain(*watcher), ElementsAre("BOOKMARK@3"));
  put("ns", "a", "blue");
  loop_.run_for(std::chrono::seconds(61));
  EXPECT_THAT(drain(*watcher), ElementsAre("MODIFIED ns/a blue@4"))
      << "none while events are queued";
  EXPECT_EQ(watcher->bookmark()->revision, 4);
  drain(*without);
  loop_.run_for(std::chrono::minutes(5));
  EXPECT_THAT(drain(*without), IsEmpty());
}

TEST_F(CacherTest, a_slow_watcher_is_ended_and_holds_nothing) {
  start();
  auto slow = watch({.after = 1});
  auto fast = watch({.after = 1});
  size_t seen = 0;
  for (size_t i = 0; i < kMaxQueuedEvents; ++i) {
    put("ns", "a", "red");
    seen += drain(*fast).size();
  }
  EXPECT_FALSE(slow->ended());
  put("ns", "a", "red");
  EXPECT_TRUE(slow->ended());
  EXPECT_FALSE(slow->error());
  EXPECT_FALSE(slow->try_next());
  seen += drain(*fast).size();
  EXPECT_EQ(seen, kMaxQueuedEvents + 1);
}

namespace {

Task<void> follow(CacheWatcher* watcher, StopToken stop, std::vector<Revision>* out, bool* done) {
  for (;;) {
    auto event = co_await watcher->next(stop);
    if (!event) break;
    out->push_back(event->revision);
  }
  *done = true;
}

}  // namespace

TEST_F(CacherTest, next_waits_and_ends_with_the_stop_or_the_hub) {
  start();
  StopSource stop;
  auto first = watch({.after = 1});
  auto second = watch({.after = 1});
  std::vector<Revision> seen;
  std::vector<Revision> seen2;
  bool done = false;
  bool done2 = false;
  spawn(follow(first.get(), stop.token(), &seen, &done));
  spawn(follow(second.get(), {}, &seen2, &done2));
  put("ns", "a", "red");
  put("ns", "b", "red");
  loop_.run_ready();
  EXPECT_THAT(seen, ElementsAre(2, 3));
  stop.request_stop();
  loop_.run_ready();
  EXPECT_TRUE(done);
  EXPECT_FALSE(first->ended());
  EXPECT_FALSE(done2);
  stop_hub();
  loop_.run_ready();
  EXPECT_TRUE(done2);
  EXPECT_TRUE(second->ended());
}

TEST_F(CacherTest, encodings_are_made_once_and_dropped_when_cold) {
  start();
  put("ns", "a", "red");
  ObjectPtr object = maps().get("ns", "a");
  Bytes first = codec::encode_shared(codec::Format::kJson, *object);
  EXPECT_EQ(codec::encode_shared(codec::Format::kJson, *object), first);
  loop_.run_for(std::chrono::seconds(31));
  EXPECT_EQ(first.use_count(), 1);
  EXPECT_EQ(*codec::encode_shared(codec::Format::kJson, *object), *first);
}

}  // namespace
}  // namespace tiphys::apiserver
