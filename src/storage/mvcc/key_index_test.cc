#include "storage/mvcc/key_index.h"

#include <gtest/gtest.h>

#include "storage/mvcc/lease_table.h"
#include "storage/mvcc/value_cache.h"

namespace tiphys::storage::mvcc {
namespace {

Row row(Revision revision, std::string key, int64_t version, RowId previous, Revision created) {
  Row out;
  out.id = row_id(revision);
  out.previous = previous;
  out.key = std::move(key);
  out.version = version;
  out.created = created;
  return out;
}

TEST(KeyIndexTest, presence_at_older_revisions) {
  KeyIndex index;
  index.apply(row(2, "a", 1, 0, 2));
  index.apply(row(5, "a", 2, row_id(2), 2));
  EXPECT_EQ(presence_at(*index.find("a"), 1), Presence::kAbsent);
  EXPECT_EQ(presence_at(*index.find("a"), 2), Presence::kPresent);
  EXPECT_EQ(presence_at(*index.find("a"), 7), Presence::kPresent);
  index.apply(row(8, "a", 0, row_id(5), 2));
  EXPECT_EQ(presence_at(*index.find("a"), 7), Presence::kPresent);
  EXPECT_EQ(presence_at(*index.find("a"), 8), Presence::kAbsent);
  index.apply(row(9, "a", 1, row_id(8), 9));
  EXPECT_EQ(presence_at(*index.find("a"), 9), Presence::kPresent);
  EXPECT_EQ(presence_at(*index.find("a"), 8), Presence::kUnknown) << "only older rows can tell";
}

TEST(KeyIndexTest, deleted_keys_go_with_compaction_unless_they_came_back) {
  KeyIndex index;
  index.apply(row(2, "a", 1, 0, 2));
  index.apply(row(3, "a", 0, row_id(2), 2));
  index.apply(row(4, "b", 1, 0, 4));
  index.apply(row(5, "b", 0, row_id(4), 4));
  index.apply(row(6, "b", 1, row_id(5), 6));
  index.compact(3);
  EXPECT_TRUE(index.find("a")) << "a deletion at the mark itself is still to be seen";
  index.compact(6);
  EXPECT_FALSE(index.find("a"));
  EXPECT_TRUE(index.find("b"));
  index.apply(row(7, "b", 0, row_id(6), 6));
  index.compact(8);
  EXPECT_EQ(index.size(), 0u);
}

TEST(KeyIndexTest, ids_order_by_revision_then_position) {
  EXPECT_LT(row_id(2, kMaxTxnRows), row_id(3));
  EXPECT_EQ(revision_of(row_id(3, kMaxTxnRows)), 3);
}

TEST(LeaseTableTest, deadlines_move_with_keep_alive_and_stop_while_revoking) {
  using std::chrono::seconds;
  LeaseTable leases;
  leases.grant({1, seconds(10)}, seconds(0));
  leases.grant({2, seconds(20)}, seconds(0));
  EXPECT_EQ(leases.next_deadline(), seconds(10));
  EXPECT_TRUE(leases.keep_alive(1, seconds(15)));
  EXPECT_EQ(leases.next_deadline(), seconds(20));
  EXPECT_EQ(leases.expired(seconds(20)), std::vector<LeaseId>{2});
  leases.set_revoking(2, true);
  EXPECT_TRUE(leases.expired(seconds(21)).empty());
  EXPECT_FALSE(leases.keep_alive(2, seconds(21)));
  EXPECT_FALSE(leases.usable(2));
  leases.set_revoking(2, false);
  EXPECT_EQ(leases.expired(seconds(21)), std::vector<LeaseId>{2});
  leases.remove(2);
  leases.remove(1);
  EXPECT_FALSE(leases.next_deadline());
}

TEST(LeaseTableTest, keys_belong_to_one_lease) {
  LeaseTable leases;
  leases.grant({1, std::chrono::seconds(1)}, {});
  leases.grant({2, std::chrono::seconds(1)}, {});
  leases.move_key("a", 0, 1);
  leases.move_key("a", 1, 2);
  leases.move_key("b", 0, 99);
  EXPECT_TRUE(leases.keys(1).empty());
  EXPECT_EQ(leases.keys(2), std::vector<std::string>{"a"});
}

TEST(ValueCacheTest, the_oldest_leave_when_the_budget_is_spent) {
  ValueCache cache(1'000);
  auto value = [](size_t size) { return std::make_shared<const std::string>(size, 'v'); };
  cache.add(1, value(300));
  cache.add(2, value(300));
  EXPECT_TRUE(cache.find(1));
  cache.add(3, value(300));
  EXPECT_FALSE(cache.find(1));
  EXPECT_TRUE(cache.find(2));
  cache.add(4, value(5'000));
  EXPECT_FALSE(cache.find(4)) << "larger than the budget";
  EXPECT_TRUE(cache.find(3));
  EXPECT_LE(cache.bytes(), 1'000u);
}

}  // namespace
}  // namespace tiphys::storage::mvcc
