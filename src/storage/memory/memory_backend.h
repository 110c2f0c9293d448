// MemoryBackend: rows in a map. Loop thread only; writes complete from the loop, in order.
#pragma once
#include "storage/mvcc/backend.h"

namespace tiphys::storage::memory {

class MemoryBackend : public mvcc::Backend {
 public:
  explicit MemoryBackend(Loop& loop) : loop_(loop), alive_(std::make_shared<bool>(true)) {}

  void set_listener(mvcc::WriteListener* listener) override { listener_ = listener; }
  void write(std::unique_ptr<mvcc::WriteRequest> request) override;
  Task<Result<std::vector<std::optional<mvcc::Row>>>> read(
      std::vector<mvcc::RowQuery> queries) override;
  Task<Result<mvcc::History>> history(Revision from, Revision to, bool with_previous) override;
  Task<void> stop() override { co_return; }

 private:
  void complete();
  void compact(Revision revision);
  std::optional<mvcc::Row> find(mvcc::RowQuery query) const;

  Loop& loop_;
  std::shared_ptr<bool> alive_;
  mvcc::WriteListener* listener_ = nullptr;
  mvcc::WriteRequests queue_;
  std::map<mvcc::RowId, mvcc::Row> rows_;
  Revision compacted_ = 0;
};

}  // namespace tiphys::storage::memory
