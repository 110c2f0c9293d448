// Store: revisioned keys -> bytes, with transactions, watches, leases and compaction: exactly what
// Kubernetes needs of etcd (v3 semantics). It knows no kinds.
//
// Thread rule: every method and every callback is for the owning loop's thread; engines use their
// own threads inside. Revisions are a total order over the whole store: each committed
// transaction that changes something gets the next revision (a new store is at revision 1, so
// the first write is 2). A compacted revision is gone for good. Revisions never go back, not even
// after a crash. Nothing is acknowledged before it is durable (memory engine aside).
//
// Errors (ApiStatus): Expired 410 "etcdserver: mvcc: required revision has been compacted";
// Timeout/ServiceUnavailable when the engine can't be reached; InternalError "no space left on
// device" style texts when a commit failed: the transaction then has not happened, reads go on,
// and writes recover by themselves when the cause is gone.
#pragma once
#include <any>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/loop.h"
#include "base/result.h"

namespace tiphys::storage {

using Revision = int64_t;
using LeaseId = int64_t;                           // 0: none
using Bytes = std::shared_ptr<const std::string>;  // shared, immutable

struct KeyValue {
  std::string key;
  Bytes value;
  Revision create_revision = 0;
  Revision mod_revision = 0;
  int64_t version = 0;  // 1 at creation, +1 a change
  LeaseId lease = 0;
  // What the writer handed along with the value (Put::attachment), if this process wrote it and
  // still remembers; else null. Lets the writer's decoded object be shared instead of decoded
  // again. Never persisted.
  std::shared_ptr<const void> attachment;
};

// Holds if the key's mod_revision equals this; 0: the key must not exist.
struct Compare {
  std::string key;
  Revision mod_revision = 0;
};

struct Put {
  std::string key;
  Bytes value;
  LeaseId lease = 0;
  std::shared_ptr<const void> attachment;
};

struct Delete {
  std::string key;
};

// All or nothing. If every compare holds the operations are applied at one new revision (a key
// occurs at most once among them); deleting an absent key changes nothing.
struct Txn {
  std::vector<Compare> compares;
  std::vector<Put> puts;
  std::vector<Delete> deletes;
};

struct TxnResult {
  bool succeeded = false;  // the compares held
  Revision revision = 0;   // of the transaction; the current one if nothing changed
  // If not succeeded: the current state of each compared key, in order (absent: nullopt).
  std::vector<std::optional<KeyValue>> current;
};

struct RangeResult {
  std::vector<KeyValue> items;  // ascending by key
  bool more = false;            // the limit cut it
  int64_t count = 0;            // keys in the range, limit aside
  Revision revision = 0;        // the store's current revision (not the one read at)
};

struct Event {
  enum class Type : uint8_t { kPut, kDelete };
  Type type = Type::kPut;
  KeyValue item;                     // delete: key and mod_revision (of the deletion) only
  std::optional<KeyValue> previous;  // the state before, where not compacted away
};

// All events of one or more whole transactions, in revision order. A transaction is never split.
struct EventBatch {
  std::vector<Event> events;  // empty: a progress notification
  Revision revision = 0;      // all events up to and with it have been delivered
};

// A running watch. Destroying it ends it: no callback comes after. The batch callback is called
// from the loop. `failed` is called at most once, last: Expired when the start revision was
// compacted, or another error; no batches follow.
class Watch {
 public:
  virtual ~Watch() = default;
  // Asks for an EventBatch (maybe empty) that tells the revision up to which all was delivered.
  virtual void request_progress() = 0;
};

// A transaction over the engines' limit. No API error: upstream hands etcd's own words on as a 500.
inline ApiStatus request_too_large_error() {
  return ApiStatus(500, "", "etcdserver: request is too large");
}
inline bool is_request_too_large(const ApiStatus& status) {
  return status.message() == request_too_large_error().message();
}

inline constexpr Duration kFailureCounts = std::chrono::seconds(10);

class Store {
 public:
  virtual ~Store() = default;

  // The state of one key at a revision (0: now). Absent: nullopt.
  virtual Task<Result<std::optional<KeyValue>>> get(std::string key, Revision at = 0) = 0;
  // Keys with `prefix`, from `from` (inclusive; empty: from the start), at most `limit` (0: all),
  // at a revision (0: now). A revision in the future is an error (OutOfRange text of etcd).
  virtual Task<Result<RangeResult>> range(std::string prefix, std::string from, int64_t limit,
                                          Revision at = 0) = 0;
  virtual Task<Result<TxnResult>> txn(Txn txn) = 0;
  // Events with revision >= `from` (0: from now on) of keys with `prefix`. From a future revision:
  // nothing older than it is ever delivered. `with_previous` false leaves Event::previous empty
  // and saves reading it. The memory and embedded engines deliver a transaction to watches that
  // are up to date before its txn() returns.
  using BatchCallback = std::function<void(EventBatch)>;
  using FailedCallback = std::function<void(ApiStatus)>;
  virtual std::unique_ptr<Watch> watch(std::string prefix, Revision from, BatchCallback on_batch,
                                       FailedCallback on_failed, bool with_previous = true) = 0;
  // A lease ends `ttl` after its grant or last keep-alive; its keys are then deleted (as one
  // transaction). Leases survive restarts, with their full ttl from then on.
  virtual Task<Result<LeaseId>> lease_grant(Duration ttl) = 0;
  virtual Task<Result<void>> lease_keep_alive(LeaseId lease) = 0;
  virtual Task<Result<void>> lease_revoke(LeaseId lease) = 0;
  // Forgets history below `revision` (the state at it stays readable). Future: an error.
  virtual Task<Result<void>> compact(Revision revision) = 0;
  // Reads below it are Expired.
  virtual Revision compacted() const = 0;
  // The newest committed revision.
  virtual Task<Result<Revision>> current_revision() = 0;
  // Reads something where it is kept, whatever is cached. Error: it can't be read.
  virtual Task<Result<void>> check_reads() = 0;
  // The engine's error if the last write failed, a moment (kFailureCounts) ago at most: after that
  // nobody knows, the cause may be gone.
  virtual Result<void> last_write() const = 0;
  // Ends background work and flushes. No call may be in progress; none may follow.
  virtual Task<void> stop() = 0;
};

}  // namespace tiphys::storage
