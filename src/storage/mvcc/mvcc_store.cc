#include "storage/mvcc/mvcc_store.h"

#include "storage/mvcc/errors.h"

namespace tiphys::storage::mvcc {

MvccStore::MvccStore(Loop& loop, std::unique_ptr<Backend> backend, KeyIndex index,
                     Recovered recovered, Policy policy)
    : loop_(loop),
      policy_(policy),
      backend_(std::move(backend)),
      index_(std::move(index)),
      revision_(recovered.revision),
      newest_(recovered.revision),
      compacted_(recovered.compacted),
      values_(policy.value_cache_bytes),
      hub_(loop, *backend_, recovered),
      gate_(loop),
      quiet_(loop) {
  quiet_.set();
  backend_->set_listener(this);
  for (auto& lease : recovered.leases) leases_.grant(lease, loop_.mono());
  index_.scan("", "", [this](const std::string& key, const KeyState& state) {
    if (state.lease != 0) leases_.move_key(key, 0, state.lease);
    return true;
  });
  last_lease_ = leases_.newest();
  arm_lease_timer();
  arm_compaction();
}

MvccStore::~MvccStore() {
  loop_.cancel(lease_timer_);
  loop_.cancel(compaction_timer_);
  backend_->set_listener(nullptr);
}

Task<Result<Revision>> MvccStore::current_revision() { co_return revision_; }

Task<Result<void>> MvccStore::check_reads() {
  std::vector<RowQuery> newest = {{row_id(revision_), 0}};
  Result<std::vector<std::optional<Row>>> read = co_await backend_->read(std::move(newest));
  if (!read) co_return read.error();
  co_return Result<void>();
}

Result<void> MvccStore::last_write() const {
  if (!failure_ || loop_.mono() - failed_at_ >= kFailureCounts) return {};
  return *failure_;
}

std::unique_ptr<Watch> MvccStore::watch(std::string prefix, Revision from, BatchCallback on_batch,
                                        FailedCallback on_failed, bool with_previous) {
  return hub_.add(std::move(prefix), from, std::move(on_batch), std::move(on_failed),
                  with_previous);
}

Task<void> MvccStore::stop() {
  stopping_ = true;
  loop_.cancel(std::exchange(lease_timer_, 0));
  loop_.cancel(std::exchange(compaction_timer_, 0));
  co_await gate_.close();
  co_await hub_.stop();
  co_await quiet_.wait();
  co_await backend_->stop();
}

// ---- writing ----

struct MvccStore::WriteAwaiter {
  MvccStore& store;
  std::unique_ptr<WriteRequest> request;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    request->waiter = waiter;
    request->home = &request;
    store.submit(std::move(request));
  }
  Result<void> await_resume() {
    if (request->error) return std::move(*request->error);
    return {};
  }
};

Task<Result<void>> MvccStore::write(std::unique_ptr<WriteRequest> request) {
  if (stopping_) co_return stopped_error();
  WriteAwaiter awaiter{*this, std::move(request)};
  co_return co_await awaiter;
}

void MvccStore::submit(std::unique_ptr<WriteRequest> request) {
  request->epoch = epoch_;
  for (auto& row : request->rows) {
    const KeyState* before = latest(row.key);
    KeyState after = advance(before, row);
    pending_[row.key] = after;
    newest_ = revision_of(row.id);
  }
  ++unwritten_;
  quiet_.reset();
  backend_->write(std::move(request));
}

void MvccStore::written(WriteRequests done, std::optional<ApiStatus> error) {
  std::vector<storage::Event> events;
  failure_ = error;
  if (error) failed_at_ = loop_.mono();
  for (auto& request : done) {
    if (!error) {
      apply(*request, events);
      continue;
    }
    request->error = error;
    if (request->epoch == epoch_) roll_back();
  }
  if (!events.empty()) {
    hub_.publish(std::move(events), revision_);
    arm_compaction();
  }
  unwritten_ -= static_cast<int>(done.size());
  if (unwritten_ == 0) quiet_.set();
  for (auto& request : done) {
    auto waiter = request->waiter;
    auto* home = request->home;
    *home = std::move(request);
    waiter.resume();
  }
}

void MvccStore::roll_back() {
  ++epoch_;
  pending_.clear();
  newest_ = revision_;
}

void MvccStore::apply(WriteRequest& request, std::vector<storage::Event>& events) {
  for (auto& row : request.rows) apply_row(row, events);
  if (!request.rows.empty()) revision_ = revision_of(request.rows.back().id);
}

void MvccStore::apply_row(Row& row, std::vector<storage::Event>& events) {
  storage::Event event;
  const KeyState* before = index_.find(row.key);
  LeaseId old_lease = before ? before->lease : 0;
  leases_.move_key(row.key, old_lease, row.lease);
  event.previous = previous_of(row);
  index_.apply(row);
  values_.add(row.id, row.value);
  auto pending = pending_.find(row.key);
  if (pending != pending_.end() && pending->second.row == row.id) pending_.erase(pending);
  if (row.deletion()) {
    event.type = storage::Event::Type::kDelete;
    event.item.key = std::move(row.key);
    event.item.mod_revision = revision_of(row.id);
  } else {
    event.item = to_key_value(row);
  }
  events.push_back(std::move(event));
}

// The state before a row, for watches that want it; without its value where that isn't in memory.
std::optional<KeyValue> MvccStore::previous_of(const Row& row) const {
  if (!hub_.wants_previous(row.key)) return std::nullopt;
  const KeyState* before = index_.find(row.key);
  if (!before || before->deleted()) return std::nullopt;
  KeyValue item;
  item.key = row.key;
  item.value = values_.find(before->row);
  item.create_revision = before->created;
  item.mod_revision = before->revision();
  item.version = before->version;
  item.lease = before->lease;
  return item;
}

}  // namespace tiphys::storage::mvcc
