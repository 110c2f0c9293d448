// Transactions: all or nothing, revisions, versions, what a failed compare tells.
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

using testing::ElementsAre;

TEST_P(StoreSuite, a_new_store_is_at_revision_1_and_the_first_write_is_2) {
  EXPECT_EQ(revision(), 1);
  EXPECT_EQ(put("a", "1"), 2);
  EXPECT_EQ(revision(), 2);
}

TEST_P(StoreSuite, a_put_tells_when_the_key_was_made_and_changed_and_how_often) {
  put("a", "1");
  put("b", "x");
  put("a", "2");
  auto item = get("a");
  ASSERT_TRUE(item);
  EXPECT_EQ(*item->value, "2");
  EXPECT_EQ(item->create_revision, 2);
  EXPECT_EQ(item->mod_revision, 4);
  EXPECT_EQ(item->version, 2);
}

TEST_P(StoreSuite, a_key_that_comes_back_starts_again_at_version_1) {
  put("a", "1");
  EXPECT_EQ(erase("a"), 3);
  put("a", "2");
  auto item = get("a");
  ASSERT_TRUE(item);
  EXPECT_EQ(item->create_revision, 4);
  EXPECT_EQ(item->version, 1);
}

TEST_P(StoreSuite, deleting_an_absent_key_changes_nothing) {
  put("a", "1");
  Txn both;
  both.deletes.push_back({"nothing"});
  auto result = txn(both);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->succeeded);
  EXPECT_EQ(result->revision, 2);
  EXPECT_EQ(revision(), 2);
}

TEST_P(StoreSuite, a_transaction_has_one_revision_for_all_its_keys) {
  put("old", "1");
  Txn all;
  all.puts = {{"a", bytes("1"), 0, nullptr}, {"b", bytes("2"), 0, nullptr}};
  all.deletes = {{"old"}};
  auto result = txn(all);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->revision, 3);
  EXPECT_EQ(get("a")->mod_revision, 3);
  EXPECT_EQ(get("b")->mod_revision, 3);
  EXPECT_FALSE(get("old"));
}

TEST_P(StoreSuite, a_compare_that_does_not_hold_changes_nothing_and_tells_the_state) {
  Revision first = put("a", "1");
  put("b", "2");
  Txn update;
  update.compares = {{"b", first}, {"missing", 0}, {"a", first}};
  update.puts = {{"a", bytes("x"), 0, nullptr}, {"c", bytes("x"), 0, nullptr}};
  auto result = txn(update);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->succeeded);
  EXPECT_EQ(result->revision, 3);
  ASSERT_EQ(result->current.size(), 3u);
  EXPECT_EQ(*result->current[0]->value, "2");
  EXPECT_EQ(result->current[0]->mod_revision, 3);
  EXPECT_FALSE(result->current[1]);
  EXPECT_EQ(*result->current[2]->value, "1");
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(value("c"), "(absent)");
}

TEST_P(StoreSuite, compare_with_0_means_the_key_must_not_exist) {
  Txn create;
  create.compares = {{"a", 0}};
  create.puts = {{"a", bytes("1"), 0, nullptr}};
  EXPECT_TRUE(txn(create)->succeeded);
  EXPECT_FALSE(txn(create)->succeeded);
  erase("a");
  EXPECT_TRUE(txn(create)->succeeded);
}

TEST_P(StoreSuite, malformed_transactions_are_refused_and_leave_no_trace) {
  Txn twice;
  twice.puts = {{"a", bytes("1"), 0, nullptr}, {"a", bytes("2"), 0, nullptr}};
  EXPECT_EQ(txn(twice).error().message(), "etcdserver: duplicate key given in txn request");
  Txn put_and_delete;
  put_and_delete.puts = {{"a", bytes("1"), 0, nullptr}};
  put_and_delete.deletes = {{"a"}};
  EXPECT_EQ(txn(put_and_delete).error().message(),
            "etcdserver: duplicate key given in txn request");
  Txn no_key;
  no_key.puts = {{"", bytes("1"), 0, nullptr}};
  EXPECT_EQ(txn(no_key).error().message(), "etcdserver: key is not provided");
  Txn big;
  big.puts = {{"a", bytes(std::string(storage::mvcc::kMaxTxnBytes, 'x')), 0, nullptr}};
  EXPECT_EQ(txn(big).error().code(), 500);
  Txn no_lease;
  no_lease.puts = {{"a", bytes("1"), 42, nullptr}};
  EXPECT_EQ(txn(no_lease).error().message(), "etcdserver: requested lease not found");
  EXPECT_EQ(revision(), 1);
  EXPECT_FALSE(get("a"));
}

TEST_P(StoreSuite, the_largest_transaction_fits) {
  Txn big;
  big.puts = {{"a", bytes(std::string(storage::mvcc::kMaxTxnBytes - 1, 'x')), 0, nullptr}};
  ASSERT_TRUE(txn(big));
  EXPECT_EQ(get("a")->value->size(), storage::mvcc::kMaxTxnBytes - 1);
}

TEST_P(StoreSuite, values_and_keys_are_any_bytes) {
  std::string odd("\0\xff\x80 \n", 5);
  put("k" + odd, odd);
  EXPECT_EQ(value("k" + odd), odd);
  put("empty", "");
  EXPECT_EQ(value("empty"), "");
  if (!harness_->reopen()) return;
  EXPECT_EQ(value("k" + odd), odd);
  EXPECT_EQ(value("empty"), "");
}

namespace {

Task<void> increment(storage::Store& store, int times, int* failures, int* running) {
  for (int i = 0; i < times;) {
    auto now = co_await store.get("counter", 0);
    Txn update;
    update.compares = {{"counter", *now ? (*now)->mod_revision : 0}};
    int count = *now ? std::stoi(*(*now)->value) : 0;
    update.puts = {{"counter", bytes(std::to_string(count + 1)), 0, nullptr}};
    auto result = co_await store.txn(update);
    if (result->succeeded) {
      ++i;
    } else {
      ++*failures;
    }
  }
  --*running;
}

}  // namespace

TEST_P(StoreSuite, concurrent_increments_lose_none) {
  int failures = 0;
  int running = 16;
  for (int i = 0; i < 16; ++i) spawn(increment(store(), 20, &failures, &running));
  ASSERT_TRUE(wait([&] { return running == 0; }));
  EXPECT_EQ(value("counter"), "320");
  EXPECT_EQ(get("counter")->version, 320);
  EXPECT_EQ(revision(), 321);
}

namespace {

Task<void> record_txn(storage::Store& store, Txn txn, std::vector<TxnResult>* out) {
  auto result = co_await store.txn(std::move(txn));
  out->push_back(*result);
}

}  // namespace

TEST_P(StoreSuite, transactions_in_flight_build_on_each_other) {
  std::vector<TxnResult> results;
  Txn create;
  create.compares = {{"a", 0}};
  create.puts = {{"a", bytes("1"), 0, nullptr}};
  Txn update;
  update.compares = {{"a", 2}};
  update.puts = {{"a", bytes("2"), 0, nullptr}};
  Txn remove;
  remove.compares = {{"a", 3}};
  remove.deletes = {{"a"}};
  for (auto& one : {create, update, remove, create}) {
    spawn(record_txn(store(), one, &results));
  }
  ASSERT_TRUE(wait([&] { return results.size() == 4; }));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(results[i].succeeded) << i;
    EXPECT_EQ(results[i].revision, static_cast<Revision>(i + 2));
  }
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(get("a")->create_revision, 5);
}

TEST_P(StoreSuite, a_failed_compare_waits_for_what_it_saw_in_flight) {
  std::vector<TxnResult> results;
  Txn create;
  create.compares = {{"a", 0}};
  create.puts = {{"a", bytes("1"), 0, nullptr}};
  spawn(record_txn(store(), create, &results));
  spawn(record_txn(store(), create, &results));
  EXPECT_TRUE(results.empty());
  ASSERT_TRUE(wait([&] { return results.size() == 2; }));
  EXPECT_TRUE(results[0].succeeded);
  EXPECT_FALSE(results[1].succeeded);
  ASSERT_TRUE(results[1].current[0]);
  EXPECT_EQ(*results[1].current[0]->value, "1");
}

}  // namespace tiphys::tests
