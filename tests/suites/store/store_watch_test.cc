// Watches: ordered, unique, complete, atomic per transaction, resumable from any kept revision.
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(StoreSuite, a_watch_from_now_sees_changes_of_its_prefix) {
  put("/p/a", "0");
  auto seen = watch("/p/", 0);
  put("/p/a", "1");
  put("/q/a", "1");
  erase("/p/a");
  ASSERT_TRUE(settle(*seen));
  EXPECT_THAT(seen->log(), ElementsAre("put /p/a=1@3", "delete /p/a@5"));
  ASSERT_TRUE(seen->events[0].previous);
  EXPECT_EQ(*seen->events[0].previous->value, "0");
  EXPECT_EQ(seen->events[0].previous->mod_revision, 2);
  EXPECT_EQ(*seen->events[1].previous->value, "1");
}

TEST_P(StoreSuite, an_event_comes_before_its_transaction_returns) {
  auto seen = watch("", 0, false);
  put("a", "1");
  EXPECT_THAT(seen->log(), ElementsAre("put a=1@2"));
  EXPECT_FALSE(seen->events[0].previous);
}

TEST_P(StoreSuite, a_watch_resumes_from_any_kept_revision) {
  std::vector<std::string> all;
  for (int i = 2; i < 40; ++i) {
    std::string key = "k" + std::to_string(i % 5);
    if (i % 7 == 0) {
      erase(key);
      all.push_back("delete " + key + "@" + std::to_string(i));
    } else {
      put(key, std::to_string(i));
      all.push_back("put " + key + "=" + std::to_string(i) + "@" + std::to_string(i));
    }
  }
  for (Revision from : {1, 2, 3, 20, 38, 39}) {
    for (bool with_previous : {false, true}) {
      auto seen = watch("", from, with_previous);
      ASSERT_TRUE(settle(*seen));
      auto start = all.begin() + std::max<Revision>(0, from - 2);
      EXPECT_EQ(seen->log(), std::vector<std::string>(start, all.end())) << from;
    }
  }
}

TEST_P(StoreSuite, a_watch_from_before_a_restart_is_complete) {
  put("a", "1");
  put("a", "2");
  if (!harness_->reopen()) GTEST_SKIP() << "keeps nothing";
  put("a", "3");
  auto seen = watch("", 2);
  ASSERT_TRUE(settle(*seen));
  EXPECT_THAT(seen->log(), ElementsAre("put a=1@2", "put a=2@3", "put a=3@4"));
  EXPECT_EQ(*seen->events[2].previous->value, "2");
}

TEST_P(StoreSuite, a_transaction_is_delivered_whole) {
  auto live = watch("", 0);
  Txn both;
  both.puts = {{"a", bytes("1"), 0, nullptr}, {"b", bytes("1"), 0, nullptr}};
  ASSERT_TRUE(txn(both));
  auto later = watch("", 2);
  for (Seen* seen : {live.get(), later.get()}) {
    ASSERT_TRUE(settle(*seen));
    ASSERT_GE(seen->batches.size(), 1u);
    EXPECT_EQ(seen->batches[0].events.size(), 2u);
    EXPECT_EQ(seen->batches[0].revision, 2);
  }
}

TEST_P(StoreSuite, a_long_history_is_replayed_in_whole_transactions) {
  constexpr int kTransactions = 700;
  int done = 0;
  for (int i = 0; i < kTransactions; ++i) {
    Txn one;
    for (int k = 0; k < 9; ++k) {
      one.puts.push_back({"k" + std::to_string(k), bytes(std::string(400, 'v')), 0, nullptr});
    }
    spawn([](storage::Store& target, Txn work, int* count) -> Task<void> {
      auto result = co_await target.txn(std::move(work));
      EXPECT_TRUE(result);
      ++*count;
    }(store(), std::move(one), &done));
  }
  ASSERT_TRUE(wait([&] { return done == kTransactions; }));
  auto seen = watch("", 1);
  ASSERT_TRUE(settle(*seen));
  EXPECT_EQ(seen->events.size(), 9u * kTransactions);
  Revision last = 1;
  for (auto& batch : seen->batches) {
    EXPECT_EQ(batch.events.size() % 9, 0u);
    EXPECT_LT(batch.events.empty() ? last - 1 : last, batch.revision);
    last = batch.revision;
  }
  for (size_t i = 0; i < seen->events.size(); ++i) {
    EXPECT_EQ(seen->events[i].item.mod_revision, static_cast<Revision>(2 + i / 9));
  }
}

TEST_P(StoreSuite, progress_tells_the_revision_also_when_nothing_matched) {
  auto seen = watch("/none/", 0);
  put("a", "1");
  put("a", "2");
  ASSERT_TRUE(settle(*seen));
  EXPECT_EQ(seen->progress, 1);
  EXPECT_EQ(seen->revision, 3);
  EXPECT_THAT(seen->log(), IsEmpty());
}

TEST_P(StoreSuite, an_ended_watch_is_silent) {
  auto seen = watch("", 0);
  auto other = watch("", 1);
  put("a", "1");
  size_t before = seen->events.size();
  seen->watch.reset();
  other->watch.reset();
  size_t other_before = other->events.size();
  put("a", "2");
  EXPECT_EQ(seen->events.size(), before);
  EXPECT_EQ(other->events.size(), other_before);
}

TEST_P(StoreSuite, a_callback_may_end_its_watch_and_start_others) {
  std::unique_ptr<Seen> inner;
  int calls = 0;
  std::unique_ptr<storage::Watch> outer;
  outer = store().watch(
      "", 0,
      [&](EventBatch) {
        ++calls;
        inner = watch("", 0);
        outer.reset();
      },
      nullptr);
  put("a", "1");
  put("a", "2");
  EXPECT_EQ(calls, 1);
  ASSERT_TRUE(settle(*inner));
  EXPECT_THAT(inner->log(), ElementsAre("put a=2@3"));
}

TEST_P(StoreSuite, the_attachment_reaches_watches_of_the_same_process) {
  auto seen = watch("", 0);
  auto object = std::make_shared<const int>(42);
  Txn one;
  one.puts = {{"a", bytes("1"), 0, object}};
  ASSERT_TRUE(txn(std::move(one)));
  ASSERT_EQ(seen->events.size(), 1u);
  EXPECT_EQ(seen->events[0].item.attachment, object);
  EXPECT_EQ(seen->events[0].item.value != nullptr, true);
  // Neither the window nor a later read holds on to it.
  seen->events.clear();
  seen->batches.clear();
  EXPECT_FALSE(get("a")->attachment);
  EXPECT_EQ(object.use_count(), 1);
}

namespace {

Task<void> write_many(storage::Store& store, int writer, int times, int* running) {
  for (int i = 0; i < times; ++i) {
    Txn one;
    std::string key = "k" + std::to_string((writer * 7 + i) % 11);
    if (i % 5 == 4) {
      one.deletes = {{key}};
    } else {
      one.puts = {{key, bytes(std::to_string(i)), 0, nullptr}};
    }
    auto result = co_await store.txn(std::move(one));
    EXPECT_TRUE(result);
  }
  --*running;
}

}  // namespace

TEST_P(StoreSuite, watches_started_in_mid_load_see_everything_once_and_in_order) {
  int running = 8;
  for (int i = 0; i < 8; ++i) spawn(write_many(store(), i, 100, &running));
  std::vector<std::unique_ptr<Seen>> watches;
  ASSERT_TRUE(wait([&] {
    if (watches.size() < 30) watches.push_back(watch("", 2, watches.size() % 2 == 0));
    return running == 0;
  }));
  auto whole = watch("", 2);
  ASSERT_TRUE(settle(*whole));
  for (auto& seen : watches) {
    ASSERT_TRUE(settle(*seen));
    EXPECT_FALSE(seen->failed);
    EXPECT_EQ(seen->log(), whole->log());
  }
  // Replaying the events gives the state, and the previous states fit together.
  std::map<std::string, KeyValue> state;
  for (auto& event : whole->events) {
    auto it = state.find(event.item.key);
    EXPECT_EQ(it != state.end(), event.previous.has_value());
    if (event.previous && it != state.end()) {
      EXPECT_EQ(it->second.mod_revision, event.previous->mod_revision);
    }
    if (event.type == StoreEvent::Type::kDelete) {
      state.erase(event.item.key);
    } else {
      state[event.item.key] = event.item;
    }
  }
  EXPECT_EQ(state.size(), keys("").size());
}

}  // namespace tiphys::tests
