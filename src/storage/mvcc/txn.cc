#include "storage/mvcc/errors.h"
#include "storage/mvcc/mvcc_store.h"

namespace tiphys::storage::mvcc {

namespace {

const Bytes& empty_value() {
  static const Bytes kEmpty = std::make_shared<const std::string>();
  return kEmpty;
}

bool has_duplicates(const Txn& txn) {
  size_t count = txn.puts.size() + txn.deletes.size();
  if (count < 2) return false;
  std::unordered_set<std::string_view> keys;
  for (auto& put : txn.puts) keys.insert(put.key);
  for (auto& removal : txn.deletes) keys.insert(removal.key);
  return keys.size() < count;
}

size_t txn_bytes(const Txn& txn) {
  size_t bytes = 0;
  for (auto& put : txn.puts) bytes += put.key.size() + (put.value ? put.value->size() : 0);
  for (auto& removal : txn.deletes) bytes += removal.key.size();
  return bytes;
}

bool has_empty_key(const Txn& txn) {
  auto empty = [](const auto& operation) { return operation.key.empty(); };
  return std::ranges::any_of(txn.puts, empty) || std::ranges::any_of(txn.deletes, empty) ||
         std::ranges::any_of(txn.compares, empty);
}

}  // namespace

Result<void> MvccStore::check(const Txn& txn) const {
  if (stopping_) return stopped_error();
  if (has_empty_key(txn)) return empty_key_error();
  if (static_cast<int64_t>(txn.puts.size() + txn.deletes.size()) > kMaxTxnRows) {
    return too_many_operations_error();
  }
  if (txn_bytes(txn) > kMaxTxnBytes) return request_too_large_error();
  if (has_duplicates(txn)) return duplicate_key_error();
  return {};
}

const KeyState* MvccStore::latest(std::string_view key) const {
  if (!pending_.empty()) {
    auto it = pending_.find(std::string(key));
    if (it != pending_.end()) return &it->second;
  }
  return index_.find(key);
}

bool MvccStore::is_pending(const Txn& txn) const {
  if (pending_.empty()) return false;
  auto pending = [this](const auto& operation) { return pending_.contains(operation.key); };
  return std::ranges::any_of(txn.compares, pending) || std::ranges::any_of(txn.deletes, pending);
}

Row MvccStore::make_row(std::string key, Bytes value, LeaseId lease, RowId id) const {
  const KeyState* before = latest(key);
  Row row;
  row.id = id;
  row.key = std::move(key);
  row.previous = before ? before->row : 0;
  bool exists = before && !before->deleted();
  if (value) {
    row.value = std::move(value);
    row.created = exists ? before->created : revision_of(id);
    row.version = exists ? before->version + 1 : 1;
    row.lease = lease;
  } else {
    row.created = before->created;
  }
  return row;
}

std::vector<Row> MvccStore::make_rows(const Txn& txn, Revision revision) const {
  std::vector<Row> rows;
  rows.reserve(txn.puts.size() + txn.deletes.size());
  auto next_id = [&] { return row_id(revision, static_cast<int64_t>(rows.size())); };
  for (auto& put : txn.puts) {
    rows.push_back(make_row(put.key, put.value ? put.value : empty_value(), put.lease, next_id()));
    rows.back().attachment = put.attachment;
  }
  for (auto& removal : txn.deletes) {
    const KeyState* before = latest(removal.key);
    if (!before || before->deleted()) continue;
    rows.push_back(make_row(removal.key, nullptr, 0, next_id()));
  }
  return rows;
}

MvccStore::Verdict MvccStore::judge(const Txn& txn) const {
  Verdict verdict;
  verdict.held = std::ranges::all_of(txn.compares, [this](const Compare& compare) {
    const KeyState* state = latest(compare.key);
    Revision actual = state && !state->deleted() ? state->revision() : 0;
    return actual == compare.mod_revision;
  });
  if (verdict.held) verdict.rows = make_rows(txn, newest_ + 1);
  if (!verdict.rows.empty()) {
    verdict.kind = Verdict::Kind::kWrite;
  } else if (is_pending(txn)) {
    verdict.kind = Verdict::Kind::kWait;
  }
  return verdict;
}

Task<Result<TxnResult>> MvccStore::txn(Txn txn) {
  auto fine = check(txn);
  if (!fine) co_return fine.error();
  for (;;) {
    Verdict verdict = judge(txn);
    if (verdict.kind == Verdict::Kind::kWait) {
      auto settled = co_await write(std::make_unique<WriteRequest>());
      if (!settled) co_return settled.error();
      continue;
    }
    if (verdict.kind == Verdict::Kind::kWrite) {
      for (auto& put : txn.puts) {
        if (put.lease != 0 && !leases_.usable(put.lease)) co_return lease_not_found_error();
      }
      co_return co_await write_txn(std::move(verdict.rows));
    }
    TxnResult result;
    result.succeeded = verdict.held;
    result.revision = revision_;
    if (verdict.held) co_return result;
    auto loaded = co_await load_current(txn.compares, &result);
    if (!loaded) co_return loaded.error();
    if (*loaded) co_return result;
  }
}

Task<Result<TxnResult>> MvccStore::write_txn(std::vector<Row> rows) {
  auto request = std::make_unique<WriteRequest>();
  Revision revision = revision_of(rows.front().id);
  request->rows = std::move(rows);
  auto written = co_await write(std::move(request));
  if (!written) co_return written.error();
  TxnResult result;
  result.succeeded = true;
  result.revision = revision;
  co_return result;
}

// False: a value was compacted away meanwhile, so the state has changed: judge again.
Task<Result<bool>> MvccStore::load_current(std::vector<Compare> compares, TxnResult* result) {
  std::vector<Candidate> present;
  std::vector<size_t> places;
  result->current.assign(compares.size(), std::nullopt);
  for (size_t i = 0; i < compares.size(); ++i) {
    const KeyState* state = index_.find(compares[i].key);
    if (!state || state->deleted()) continue;
    present.push_back({compares[i].key, *state});
    places.push_back(i);
  }
  std::vector<KeyValue> items;
  auto complete = co_await load(std::move(present), revision_, &items);
  if (!complete || !*complete) co_return complete;
  for (size_t i = 0; i < items.size(); ++i) result->current[places[i]] = std::move(items[i]);
  co_return true;
}

}  // namespace tiphys::storage::mvcc
