#include "storage/mvcc/errors.h"
#include "storage/mvcc/mvcc_store.h"

namespace tiphys::storage::mvcc {

namespace {
constexpr int kReadAttempts = 5;  // of "now", while compaction keeps overtaking it
}

Result<void> MvccStore::check_revision(Revision at) const {
  if (at > revision_) return future_error();
  if (at != 0 && at < compacted_) return compacted_error();
  return {};
}

Task<Result<std::optional<KeyValue>>> MvccStore::get(std::string key, Revision at) {
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    auto fine = check_revision(at);
    if (!fine) co_return fine.error();
    Revision revision = at != 0 ? at : revision_;
    const KeyState* state = index_.find(key);
    if (!state || presence_at(*state, revision) == Presence::kAbsent) co_return std::nullopt;
    bool certain = presence_at(*state, revision) == Presence::kPresent;
    std::vector<Candidate> one;
    one.push_back({key, *state});
    std::vector<KeyValue> items;
    auto complete = co_await load(std::move(one), revision, &items);
    if (!complete) co_return complete.error();
    if (*complete) co_return std::optional<KeyValue>(std::move(items[0]));
    if (!certain && compacted_ <= revision) co_return std::nullopt;
  }
  co_return compacted_error();
}

Task<Result<RangeResult>> MvccStore::range(std::string prefix, std::string from, int64_t limit,
                                           Revision at) {
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    auto fine = check_revision(at);
    if (!fine) co_return fine.error();
    RangeResult result;
    Revision revision = at != 0 ? at : revision_;
    auto complete = co_await range_at(prefix, from, limit, revision, &result);
    if (!complete) co_return complete.error();
    result.revision = at != 0 ? revision_ : revision;
    if (*complete && compacted_ <= revision) co_return result;
  }
  co_return compacted_error();
}

// What may be in the range, without its values: enough certain keys for the limit in full, and
// just the number of the others.
MvccStore::Scan MvccStore::scan(const std::string& prefix, const std::string& from, int64_t limit,
                                Revision at) const {
  Scan out;
  int64_t certain = 0;
  index_.scan(prefix, from, [&](const std::string& key, const KeyState& state) {
    Presence presence = presence_at(state, at);
    if (presence == Presence::kAbsent) return true;
    bool enough = limit > 0 && certain >= limit;
    if (!enough) {
      out.found.push_back({key, state});
      if (presence == Presence::kPresent) ++certain;
    } else if (presence == Presence::kPresent) {
      ++out.beyond;
    } else {
      out.unknown.push_back(state.origin);
    }
    return true;
  });
  return out;
}

// Asks the backend about keys that only older rows can tell of.
Task<Result<void>> MvccStore::drop_absent(Scan* scan, Revision at) {
  std::vector<RowQuery> queries;
  for (auto& candidate : scan->found) {
    if (presence_at(candidate.state, at) == Presence::kUnknown) {
      queries.push_back({candidate.state.origin, at});
    }
  }
  size_t in_found = queries.size();
  for (RowId origin : scan->unknown) queries.push_back({origin, at});
  if (queries.empty()) co_return Result<void>();
  auto rows = co_await backend_->read(std::move(queries));
  if (!rows) co_return rows.error();
  auto present = [&](size_t i) { return (*rows)[i] && !(*rows)[i]->deletion(); };
  for (size_t i = in_found; i < rows->size(); ++i) scan->beyond += present(i) ? 1 : 0;
  size_t next = 0;
  std::erase_if(scan->found, [&](const Candidate& candidate) {
    return presence_at(candidate.state, at) == Presence::kUnknown && !present(next++);
  });
  co_return Result<void>();
}

Task<Result<bool>> MvccStore::range_at(std::string prefix, std::string from, int64_t limit,
                                       Revision at, RangeResult* result) {
  Scan found = scan(prefix, from, limit, at);
  auto certain = co_await drop_absent(&found, at);
  if (!certain) co_return certain.error();
  result->count = static_cast<int64_t>(found.found.size()) + found.beyond;
  if (limit > 0 && static_cast<int64_t>(found.found.size()) > limit) {
    found.found.resize(static_cast<size_t>(limit));
  }
  result->more = result->count > static_cast<int64_t>(found.found.size());
  co_return co_await load(std::move(found.found), at, &result->items);
}

std::optional<KeyValue> MvccStore::cached(const Candidate& candidate, Revision at) const {
  const KeyState& state = candidate.state;
  if (state.revision() > at) return std::nullopt;
  Bytes value = values_.find(state.row);
  if (!value) return std::nullopt;
  return KeyValue{candidate.key, std::move(value), state.created, state.revision(),
                  state.version, state.lease,      nullptr};
}

Task<Result<bool>> MvccStore::load(std::vector<Candidate> candidates, Revision at,
                                   std::vector<KeyValue>* out) {
  out->resize(candidates.size());
  std::vector<RowQuery> queries;
  std::vector<size_t> places;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (auto item = cached(candidates[i], at)) {
      (*out)[i] = std::move(*item);
      continue;
    }
    queries.push_back({candidates[i].state.row, at});
    places.push_back(i);
  }
  if (queries.empty()) co_return true;
  auto rows = co_await backend_->read(std::move(queries));
  if (!rows) co_return rows.error();
  for (size_t i = 0; i < rows->size(); ++i) {
    auto& row = (*rows)[i];
    if (!row || row->deletion()) co_return false;
    values_.add(row->id, row->value);
    (*out)[places[i]] = to_key_value(*row);
  }
  co_return true;
}

}  // namespace tiphys::storage::mvcc
