#include "storage/memory/memory_backend.h"

namespace tiphys::storage::memory {

using mvcc::History;
using mvcc::Row;
using mvcc::RowId;
using mvcc::RowQuery;

void MemoryBackend::write(std::unique_ptr<mvcc::WriteRequest> request) {
  queue_.push_back(std::move(request));
  if (queue_.size() > 1) return;
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) complete();
  });
}

void MemoryBackend::complete() {
  auto done = std::exchange(queue_, {});
  for (auto& request : done) {
    for (auto& row : request->rows) {
      Row copy = row;
      copy.attachment.reset();
      rows_.emplace(row.id, std::move(copy));
    }
    if (request->compact != 0) compact(request->compact);
  }
  if (listener_) listener_->written(std::move(done), std::nullopt);
}

// Of each key the newest row at or before the revision stays, unless it is an older deletion.
void MemoryBackend::compact(Revision revision) {
  auto it = rows_.lower_bound(mvcc::row_id(compacted_));
  while (it != rows_.end() && mvcc::revision_of(it->first) <= revision) {
    rows_.erase(it->second.previous);
    bool gone = it->second.deletion() && mvcc::revision_of(it->first) < revision;
    it = gone ? rows_.erase(it) : std::next(it);
  }
  compacted_ = revision;
}

std::optional<Row> MemoryBackend::find(RowQuery query) const {
  auto it = rows_.find(query.row);
  while (it != rows_.end() && query.at != 0 && mvcc::revision_of(it->first) > query.at) {
    it = rows_.find(it->second.previous);
  }
  return it == rows_.end() ? std::nullopt : std::optional<Row>(it->second);
}

Task<Result<std::vector<std::optional<Row>>>> MemoryBackend::read(std::vector<RowQuery> queries) {
  std::vector<std::optional<Row>> rows;
  for (auto& query : queries) rows.push_back(find(query));
  co_return rows;
}

Task<Result<History>> MemoryBackend::history(Revision from, Revision to, bool with_previous) {
  History out;
  out.through = to;
  for (auto it = rows_.lower_bound(mvcc::row_id(from)); it != rows_.end(); ++it) {
    Revision revision = mvcc::revision_of(it->first);
    if (revision > to) break;
    bool enough = out.rows.size() >= mvcc::kHistoryRows;
    if (enough && mvcc::revision_of(out.rows.back().id) != revision) {
      out.through = revision - 1;
      break;
    }
    out.rows.push_back(it->second);
    if (with_previous) out.previous.push_back(find({it->second.previous, 0}));
  }
  co_return out;
}

}  // namespace tiphys::storage::memory
