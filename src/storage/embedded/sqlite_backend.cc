#include "storage/embedded/sqlite_backend.h"

#include "base/log.h"

namespace tiphys::storage::embedded {

using mvcc::WriteRequests;

namespace {

constexpr int kCompactRowsWithWrites = 64;  // a commit, while writes come
constexpr int kCompactRowsIdle = 512;
constexpr size_t kMaxRequests = 4'096;  // of one commit

}  // namespace

SqliteBackend::SqliteBackend(Loop& loop, DirectoryLock lock, std::unique_ptr<Database> database,
                             std::unique_ptr<Reader> reader)
    : loop_(loop),
      lock_(std::move(lock)),
      database_(std::move(database)),
      reader_(std::move(reader)),
      listener_(std::make_shared<mvcc::WriteListener*>(nullptr)) {}

SqliteBackend::~SqliteBackend() { *listener_ = nullptr; }

void SqliteBackend::set_listener(mvcc::WriteListener* listener) { *listener_ = listener; }

void SqliteBackend::write(std::unique_ptr<mvcc::WriteRequest> request) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(request));
    if (std::exchange(draining_, true)) return;
  }
  writer_pool_.submit([this] { drain(); });
}

Task<Result<std::vector<std::optional<mvcc::Row>>>> SqliteBackend::read(
    std::vector<mvcc::RowQuery> queries) {
  co_return co_await run_blocking(loop_, reader_pool_,
                                  [this, queries] { return reader_->read(queries); });
}

Task<Result<mvcc::History>> SqliteBackend::history(Revision from, Revision to, bool with_previous) {
  co_return co_await run_blocking(loop_, reader_pool_, [this, from, to, with_previous] {
    return reader_->history(from, to, with_previous);
  });
}

// ---- the writer's thread ----

void SqliteBackend::drain() {
  for (;;) {
    auto requests = take();
    if (!requests.empty()) {
      finish(std::move(requests));
      continue;
    }
    bool more = upkeep();
    std::lock_guard lock(mutex_);
    if (!queue_.empty() || (more && !stopping_)) continue;
    draining_ = false;
    return;
  }
}

WriteRequests SqliteBackend::take() {
  std::lock_guard lock(mutex_);
  if (queue_.size() <= kMaxRequests) return std::exchange(queue_, {});
  WriteRequests first(std::make_move_iterator(queue_.begin()),
                      std::make_move_iterator(queue_.begin() + kMaxRequests));
  queue_.erase(queue_.begin(), queue_.begin() + kMaxRequests);
  return first;
}

// Requests that were made before the store learnt of a failure rest on what failed.
void SqliteBackend::finish(WriteRequests requests) {
  auto stale_end = std::ranges::find_if(
      requests, [this](const auto& request) { return request->epoch > failed_epoch_; });
  WriteRequests stale(std::make_move_iterator(requests.begin()),
                      std::make_move_iterator(stale_end));
  requests.erase(requests.begin(), stale_end);
  if (!stale.empty()) report(std::move(stale), failure_);
  if (requests.empty()) return;
  auto error = commit(requests);
  if (error) {
    failed_epoch_ = requests.back()->epoch;
    failure_ = error;
    LOG_ERROR("Store could not write", {"err", *error});
  }
  report(std::move(requests), std::move(error));
  auto moved = database_->checkpoint();
  if (!moved) LOG_WARNING("Store could not checkpoint", {"err", moved.error()});
}

void SqliteBackend::report(WriteRequests requests, std::optional<ApiStatus> error) {
  loop_.post(
      [listener = listener_, requests = std::move(requests), error = std::move(error)]() mutable {
        if (*listener) (*listener)->written(std::move(requests), std::move(error));
      });
}

std::optional<ApiStatus> SqliteBackend::commit(const WriteRequests& requests) {
  bool barrier_only = std::ranges::all_of(requests, [](const auto& request) {
    return request->rows.empty() && !request->grant && request->revoke == 0 &&
           request->compact == 0;
  });
  if (barrier_only) return std::nullopt;
  auto written = write_all(requests);
  if (written) return std::nullopt;
  database_->roll_back();
  (void)database_->reload_compaction();
  return written.error();
}

Result<void> SqliteBackend::write_all(const WriteRequests& requests) {
  auto begun = database_->begin();
  if (!begun) return begun;
  for (auto& request : requests) {
    auto written = database_->write(*request);
    if (!written) return written;
  }
  if (database_->compaction_pending()) {
    auto compacted = database_->compact_some(kCompactRowsWithWrites);
    if (!compacted) return compacted;
  }
  return database_->commit();
}

bool SqliteBackend::upkeep() {
  auto more = run_upkeep();
  if (more) return *more;
  LOG_WARNING("Store could not compact", {"err", more.error()});
  database_->roll_back();
  (void)database_->reload_compaction();
  return false;
}

Result<bool> SqliteBackend::run_upkeep() {
  bool compacting = database_->compaction_pending();
  if (compacting) {
    auto done = database_->begin();
    if (done) done = database_->compact_some(kCompactRowsIdle);
    if (done) done = database_->commit();
    if (!done) return done.error();
  }
  shrinking_ = shrinking_ || compacting;
  if (shrinking_) {
    TIPHYS_TRY(bool, more, database_->shrink());
    shrinking_ = more;
  }
  auto moved = database_->checkpoint();
  if (!moved) return moved.error();
  return compacting || shrinking_;
}

Task<void> SqliteBackend::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  auto closed = co_await run_blocking(loop_, writer_pool_, [this] {
    reader_.reset();
    return database_->close();
  });
  if (!closed) LOG_WARNING("Store could not checkpoint at its end", {"err", closed.error()});
}

}  // namespace tiphys::storage::embedded
