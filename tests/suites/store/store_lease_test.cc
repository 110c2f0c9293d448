// Leases: their keys go with them, as one transaction.
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;

TEST_P(StoreSuite, the_keys_of_an_ended_lease_are_deleted_as_one_transaction) {
  auto lease = run(store().lease_grant(milliseconds(1500)));
  ASSERT_TRUE(lease);
  put("a", "1", *lease);
  put("b", "1", *lease);
  put("c", "1");
  EXPECT_EQ(get("a")->lease, *lease);
  auto seen = watch("", 0);
  ASSERT_TRUE(wait([&] { return !seen->events.empty(); }));
  EXPECT_THAT(seen->log(), ElementsAre("delete a@5", "delete b@5"));
  EXPECT_EQ(revision(), 5);
  EXPECT_THAT(keys(""), ElementsAre("c"));
  EXPECT_FALSE(run(store().lease_keep_alive(*lease)));
}

TEST_P(StoreSuite, keep_alive_prolongs_and_revoke_ends_at_once) {
  auto lease = run(store().lease_grant(hours(1)));
  ASSERT_TRUE(lease);
  put("a", "1", *lease);
  EXPECT_TRUE(run(store().lease_keep_alive(*lease)));
  EXPECT_TRUE(run(store().lease_revoke(*lease)));
  EXPECT_FALSE(get("a"));
  auto again = run(store().lease_revoke(*lease));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message(), "etcdserver: requested lease not found");
}

TEST_P(StoreSuite, a_lease_kept_alive_does_not_end) {
  auto lease = run(store().lease_grant(milliseconds(2000)));
  put("a", "1", *lease);
  for (int i = 0; i < 5; ++i) {
    MonoTime until = harness_->loop().mono() + milliseconds(500);
    bool timer = false;
    harness_->loop().call_at(until, [&timer] { timer = true; });
    ASSERT_TRUE(wait([&] { return timer; }));
    ASSERT_TRUE(run(store().lease_keep_alive(*lease)));
  }
  EXPECT_TRUE(get("a"));
}

TEST_P(StoreSuite, a_key_put_again_without_its_lease_stays) {
  auto lease = run(store().lease_grant(hours(1)));
  auto other = run(store().lease_grant(hours(1)));
  put("a", "1", *lease);
  put("a", "2");
  put("b", "1", *lease);
  put("b", "2", *other);
  put("c", "1", *lease);
  erase("c");
  put("c", "2");
  ASSERT_TRUE(run(store().lease_revoke(*lease)));
  EXPECT_THAT(keys(""), ElementsAre("a", "b", "c"));
  ASSERT_TRUE(run(store().lease_revoke(*other)));
  EXPECT_THAT(keys(""), ElementsAre("a", "c"));
}

TEST_P(StoreSuite, revoking_takes_keys_that_are_still_in_flight) {
  auto lease = run(store().lease_grant(hours(1)));
  bool put_done = false;
  bool revoked = false;
  spawn([](storage::Store& target, LeaseId id, bool* done) -> Task<void> {
    Txn one;
    one.puts = {{"a", bytes("1"), id, nullptr}};
    auto result = co_await target.txn(std::move(one));
    EXPECT_TRUE(result);
    *done = true;
  }(store(), *lease, &put_done));
  spawn([](storage::Store& target, LeaseId id, bool* done) -> Task<void> {
    auto result = co_await target.lease_revoke(id);
    EXPECT_TRUE(result);
    *done = true;
  }(store(), *lease, &revoked));
  ASSERT_TRUE(wait([&] { return put_done && revoked; }));
  EXPECT_FALSE(get("a"));
}

TEST_P(StoreSuite, leases_and_their_keys_survive_a_restart) {
  auto lease = run(store().lease_grant(milliseconds(1500)));
  auto empty = run(store().lease_grant(hours(1)));
  put("a", "1", *lease);
  if (!harness_->reopen()) GTEST_SKIP() << "keeps nothing";
  EXPECT_TRUE(run(store().lease_keep_alive(*lease)));
  EXPECT_TRUE(run(store().lease_keep_alive(*empty)));
  EXPECT_TRUE(get("a"));
  auto seen = watch("", 0);
  ASSERT_TRUE(wait([&] { return !seen->events.empty(); }));
  EXPECT_FALSE(get("a"));
  auto next = run(store().lease_grant(hours(1)));
  EXPECT_GT(*next, *empty);
}

TEST_P(StoreSuite, a_lease_may_hold_more_keys_than_a_transaction) {
  auto lease = run(store().lease_grant(hours(1)));
  constexpr int kKeys = 66'000;
  static_assert(kKeys > storage::mvcc::kMaxTxnRows);
  for (int first = 0; first < kKeys; first += 33'000) {
    Txn many;
    for (int i = first; i < first + 33'000; ++i) {
      many.puts.push_back({"k" + std::to_string(i), bytes(""), *lease, nullptr});
    }
    ASSERT_TRUE(txn(std::move(many)));
  }
  put("other", "1");
  ASSERT_TRUE(run(store().lease_revoke(*lease)));
  EXPECT_THAT(keys(""), ElementsAre("other"));
  EXPECT_FALSE(run(store().lease_keep_alive(*lease)));
}

TEST_P(StoreSuite, a_lease_needs_a_time) {
  EXPECT_FALSE(run(store().lease_grant(Duration::zero())));
}

}  // namespace tiphys::tests
