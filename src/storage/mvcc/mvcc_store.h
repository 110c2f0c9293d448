// MvccStore: the Store over any Backend: revisions, transactions, reads of any kept revision,
// leases, compaction. Engines differ only in their backend.
//
// The key index holds what is durable. Transactions on their way to the backend are in `pending_`,
// so later ones can build on them (group commit); no answer that depends on them is given before
// they are durable. If a write fails all pending ones fail and the revision counter goes back to
// what is durable.
#pragma once
#include "storage/mvcc/backend.h"
#include "storage/mvcc/key_index.h"
#include "storage/mvcc/lease_table.h"
#include "storage/mvcc/value_cache.h"
#include "storage/mvcc/watch_hub.h"

namespace tiphys::storage::mvcc {

struct Policy {
  // Older history is compacted by itself, as upstream's API server does; zero: never.
  Duration keep_for = std::chrono::minutes(5);
  size_t value_cache_bytes = 4 * 1024 * 1024;
};

inline constexpr size_t kMaxTxnBytes = 3 * 1024 * 1024 / 2;  // etcd's --max-request-bytes

class MvccStore : public Store, private WriteListener {
 public:
  MvccStore(Loop& loop, std::unique_ptr<Backend> backend, KeyIndex index, Recovered recovered,
            Policy policy);
  ~MvccStore() override;

  Task<Result<std::optional<KeyValue>>> get(std::string key, Revision at) override;
  Task<Result<RangeResult>> range(std::string prefix, std::string from, int64_t limit,
                                  Revision at) override;
  Task<Result<TxnResult>> txn(Txn txn) override;
  std::unique_ptr<Watch> watch(std::string prefix, Revision from, BatchCallback on_batch,
                               FailedCallback on_failed, bool with_previous) override;
  Task<Result<LeaseId>> lease_grant(Duration ttl) override;
  Task<Result<void>> lease_keep_alive(LeaseId lease) override;
  Task<Result<void>> lease_revoke(LeaseId lease) override;
  Task<Result<void>> compact(Revision revision) override;
  Revision compacted() const override { return compacted_; }
  Task<Result<Revision>> current_revision() override;
  Task<Result<void>> check_reads() override;
  Result<void> last_write() const override;
  Task<void> stop() override;

 private:
  // ---- transactions (txn.cc) ----
  struct Verdict {
    enum class Kind : uint8_t {
      kWrite,  // rows are to be written
      kDone,   // nothing to write: the answer is known
      kWait,   // the answer depends on pending transactions
    };
    Kind kind = Kind::kDone;
    bool held = false;
    std::vector<Row> rows;
  };
  Result<void> check(const Txn& txn) const;
  Verdict judge(const Txn& txn) const;
  std::vector<Row> make_rows(const Txn& txn, Revision revision) const;
  Row make_row(std::string key, Bytes value, LeaseId lease, RowId id) const;
  const KeyState* latest(std::string_view key) const;  // pending ones included
  bool is_pending(const Txn& txn) const;
  Task<Result<TxnResult>> write_txn(std::vector<Row> rows);
  Task<Result<bool>> load_current(std::vector<Compare> compares, TxnResult* result);
  // Writes and waits until it is durable. Empty: waits for all before it.
  Task<Result<void>> write(std::unique_ptr<WriteRequest> request);
  struct WriteAwaiter;
  void submit(std::unique_ptr<WriteRequest> request);
  void written(WriteRequests done, std::optional<ApiStatus> error) override;
  void apply(WriteRequest& request, std::vector<storage::Event>& events);
  void apply_row(Row& row, std::vector<storage::Event>& events);
  std::optional<KeyValue> previous_of(const Row& row) const;
  void roll_back();

  // ---- reads (reads.cc) ----
  struct Candidate {
    std::string key;
    KeyState state;
  };
  struct Scan {
    std::vector<Candidate> found;  // present or perhaps present, enough for the limit
    std::vector<RowId> unknown;    // beyond these: origins of keys that may have been present
    int64_t beyond = 0;            // beyond these: certainly present
  };
  Result<void> check_revision(Revision at) const;
  Scan scan(const std::string& prefix, const std::string& from, int64_t limit, Revision at) const;
  Task<Result<bool>> range_at(std::string prefix, std::string from, int64_t limit, Revision at,
                              RangeResult* result);
  Task<Result<void>> drop_absent(Scan* scan, Revision at);
  // Fills in the values; false: one is gone (compacted meanwhile).
  Task<Result<bool>> load(std::vector<Candidate> candidates, Revision at,
                          std::vector<KeyValue>* out);
  std::optional<KeyValue> cached(const Candidate& candidate, Revision at) const;

  // ---- leases and compaction (upkeep.cc) ----
  void arm_lease_timer();
  void expire_leases();
  Task<void> expire(LeaseId lease);
  Task<Result<void>> revoke(LeaseId lease);
  std::vector<Row> rows_to_revoke(LeaseId lease) const;
  void arm_compaction();
  void tick_compaction();
  Task<void> compact_to(Revision revision);

  Loop& loop_;
  Policy policy_;
  std::unique_ptr<Backend> backend_;
  KeyIndex index_;
  Revision revision_;  // durable
  Revision newest_;    // pending included
  Revision compacted_;
  uint64_t epoch_ = 1;
  std::unordered_map<std::string, KeyState> pending_;
  LeaseTable leases_;
  LeaseId last_lease_ = 0;
  ValueCache values_;
  WatchHub hub_;
  Gate gate_;
  bool stopping_ = false;
  int unwritten_ = 0;                 // requests at the backend
  ::tiphys::Event quiet_;             // set while unwritten_ is 0
  std::optional<ApiStatus> failure_;  // of the last write
  MonoTime failed_at_{};

  Loop::TimerId lease_timer_ = 0;
  MonoTime lease_timer_at_{};
  Loop::TimerId compaction_timer_ = 0;
  std::deque<std::pair<MonoTime, Revision>> marks_;  // when revisions were the newest
};

}  // namespace tiphys::storage::mvcc
