// SqliteBackend: rows in an SQLite database. One thread writes (whatever has queued up becomes one
// commit), one reads; both end when idle.
#pragma once
#include <mutex>

#include "async/pool.h"
#include "storage/embedded/database.h"
#include "storage/embedded/directory_lock.h"
#include "storage/embedded/reader.h"
#include "storage/mvcc/backend.h"

namespace tiphys::storage::embedded {

class SqliteBackend : public mvcc::Backend {
 public:
  SqliteBackend(Loop& loop, DirectoryLock lock, std::unique_ptr<Database> database,
                std::unique_ptr<Reader> reader);
  ~SqliteBackend() override;

  void set_listener(mvcc::WriteListener* listener) override;
  void write(std::unique_ptr<mvcc::WriteRequest> request) override;
  Task<Result<std::vector<std::optional<mvcc::Row>>>> read(
      std::vector<mvcc::RowQuery> queries) override;
  Task<Result<mvcc::History>> history(Revision from, Revision to, bool with_previous) override;
  Task<void> stop() override;

 private:
  // ---- the writer's thread ----
  void drain();
  mvcc::WriteRequests take();  // empty: nothing is left, the job ends
  std::optional<ApiStatus> commit(const mvcc::WriteRequests& requests);
  Result<void> write_all(const mvcc::WriteRequests& requests);
  void finish(mvcc::WriteRequests requests);
  void report(mvcc::WriteRequests requests, std::optional<ApiStatus> error);
  bool upkeep();  // a slice; false: nothing is left to do, or it failed
  Result<bool> run_upkeep();

  Loop& loop_;
  DirectoryLock lock_;
  std::unique_ptr<Database> database_;  // the writer's
  std::unique_ptr<Reader> reader_;      // the reader's
  // Cleared on the loop's thread; answers that come later are dropped.
  std::shared_ptr<mvcc::WriteListener*> listener_;

  std::mutex mutex_;
  mvcc::WriteRequests queue_;  // guarded
  bool draining_ = false;      // guarded: a job is running or queued
  bool stopping_ = false;      // guarded: leave the rest of the upkeep
  // The writer's:
  uint64_t failed_epoch_ = 0;
  std::optional<ApiStatus> failure_;
  bool shrinking_ = true;  // there may be pages to give back

  WorkerPool reader_pool_{1};
  WorkerPool writer_pool_{1};  // last: its thread ends before the rest goes
};

}  // namespace tiphys::storage::embedded
