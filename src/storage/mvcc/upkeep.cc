// Leases and compaction: what the store does by itself as time passes.
#include "base/log.h"
#include "storage/mvcc/errors.h"
#include "storage/mvcc/mvcc_store.h"

namespace tiphys::storage::mvcc {

namespace {
constexpr Duration kRetryDelay = std::chrono::seconds(1);
constexpr int kMarksPerPeriod = 5;
}  // namespace

// ---- leases ----

Task<Result<LeaseId>> MvccStore::lease_grant(Duration ttl) {
  if (ttl <= Duration::zero()) co_return bad_lease_ttl_error();
  // Wall time keeps ids from being reused after a restart that forgot the lease.
  last_lease_ = std::max(last_lease_ + 1, loop_.wall());
  auto request = std::make_unique<WriteRequest>();
  LeaseRecord lease{last_lease_, ttl};
  request->grant = lease;
  auto written = co_await write(std::move(request));
  if (!written) co_return written.error();
  leases_.grant(lease, loop_.mono());
  arm_lease_timer();
  co_return lease.id;
}

Task<Result<void>> MvccStore::lease_keep_alive(LeaseId lease) {
  if (!leases_.keep_alive(lease, loop_.mono())) co_return lease_not_found_error();
  arm_lease_timer();
  co_return Result<void>();
}

Task<Result<void>> MvccStore::lease_revoke(LeaseId lease) {
  if (!leases_.usable(lease)) co_return lease_not_found_error();
  co_return co_await revoke(lease);
}

// Deletes the lease and its keys, pending ones included, as one transaction; more keys than one
// can hold go in transactions before it.
Task<Result<void>> MvccStore::revoke(LeaseId lease) {
  leases_.set_revoking(lease, true);
  for (;;) {
    auto request = std::make_unique<WriteRequest>();
    request->rows = rows_to_revoke(lease);
    bool last = static_cast<int64_t>(request->rows.size()) < kMaxTxnRows;
    if (last) request->revoke = lease;
    auto written = co_await write(std::move(request));
    if (!written) {
      leases_.set_revoking(lease, false);
      co_return written;
    }
    if (!last) continue;
    leases_.remove(lease);
    co_return written;
  }
}

std::vector<Row> MvccStore::rows_to_revoke(LeaseId lease) const {
  std::set<std::string> keys;
  for (auto& key : leases_.keys(lease)) keys.insert(key);
  for (auto& [key, state] : pending_) {
    if (state.lease == lease) keys.insert(key);
  }
  std::vector<Row> rows;
  for (auto& key : keys) {
    const KeyState* state = latest(key);
    if (!state || state->deleted() || state->lease != lease) continue;
    if (static_cast<int64_t>(rows.size()) >= kMaxTxnRows) break;
    RowId id = row_id(newest_ + 1, static_cast<int64_t>(rows.size()));
    rows.push_back(make_row(key, nullptr, 0, id));
  }
  return rows;
}

void MvccStore::arm_lease_timer() {
  auto deadline = leases_.next_deadline();
  if (!deadline || stopping_) return;
  if (lease_timer_ != 0 && lease_timer_at_ <= *deadline) return;
  loop_.cancel(lease_timer_);
  lease_timer_at_ = *deadline;
  lease_timer_ = loop_.call_at(*deadline, [this] {
    lease_timer_ = 0;
    expire_leases();
  });
}

void MvccStore::expire_leases() {
  for (LeaseId lease : leases_.expired(loop_.mono())) gate_.spawn(expire(lease));
  arm_lease_timer();
}

Task<void> MvccStore::expire(LeaseId lease) {
  auto revoked = co_await revoke(lease);
  if (revoked) co_return;
  leases_.postpone(lease, loop_.mono() + kRetryDelay);
  arm_lease_timer();
}

// ---- compaction ----

Task<Result<void>> MvccStore::compact(Revision revision) {
  if (revision > revision_) co_return future_error();
  if (revision <= compacted_) co_return compacted_error();
  compacted_ = revision;
  hub_.compacted(revision);
  index_.compact(revision);
  auto request = std::make_unique<WriteRequest>();
  request->compact = revision;
  co_return co_await write(std::move(request));
}

Task<void> MvccStore::compact_to(Revision revision) {
  auto compacted = co_await compact(revision);
  if (!compacted) LOG_WARNING("Compaction failed", {"err", compacted.error()});
}

// The timer runs only while there is history that will have to go.
void MvccStore::arm_compaction() {
  if (compaction_timer_ != 0 || stopping_ || policy_.keep_for <= Duration::zero()) return;
  if (revision_ <= compacted_) return;
  compaction_timer_ = loop_.call_after(policy_.keep_for / kMarksPerPeriod, [this] {
    compaction_timer_ = 0;
    tick_compaction();
  });
}

void MvccStore::tick_compaction() {
  MonoTime now = loop_.mono();
  Revision target = 0;
  while (!marks_.empty() && marks_.front().first <= now - policy_.keep_for) {
    target = marks_.front().second;
    marks_.pop_front();
  }
  marks_.emplace_back(now, revision_);
  if (target > compacted_) gate_.spawn(compact_to(target));
  arm_compaction();
}

}  // namespace tiphys::storage::mvcc
