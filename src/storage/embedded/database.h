// Database: the tables of the embedded store (docs/formats/embedded-store.md) and the statements
// that write them. Used by one thread at a time; nothing is durable before commit() returned.
#pragma once
#include <functional>

#include "storage/embedded/sqlite.h"
#include "storage/mvcc/backend.h"

namespace tiphys::storage::embedded {

struct DatabaseOptions {
  std::string path;
  int64_t max_bytes = 0;  // the file never grows beyond it ("no space left"); 0: the disk's
};

class Database {
 public:
  // Opens or makes it. Errors name the path: not a store, made by a newer version, damaged.
  static Result<std::unique_ptr<Database>> open(DatabaseOptions options);

  // Reads everything but the values, in id order.
  Result<mvcc::Recovered> recover(const std::function<void(const mvcc::Row&)>& on_row);

  Result<void> begin();
  Result<void> commit();
  void roll_back();
  Result<void> write(const mvcc::WriteRequest& request);

  // The mark that compact_some() works towards. It is part of the current transaction.
  Result<void> set_compacted(Revision revision);
  bool compaction_pending() const { return position_ < mvcc::row_id(compacted_); }
  // Deletes what a bounded number of rows before the mark have superseded.
  Result<void> compact_some(int rows);
  // After a roll-back: what the tables say.
  Result<void> reload_compaction();

  // Gives a bounded number of unused pages back to the file system, if there are many. True: that
  // was not all.
  Result<bool> shrink();
  // Moves the log into the file once it is long.
  Result<void> checkpoint();
  Result<void> close();

 private:
  Database() = default;
  Result<void> configure();
  Result<void> check_identity();
  Result<void> create_tables();
  Result<void> prepare();
  Result<void> put_meta(const char* name, int64_t value);
  Result<int64_t> get_meta(const char* name);
  Result<void> insert(const mvcc::Row& row);
  Result<mvcc::RowId> find_doomed(int rows, std::vector<mvcc::RowId>& doomed);

  DatabaseOptions options_;
  std::unique_ptr<Connection> connection_;
  Statement insert_, remove_, scan_, meta_, grant_, revoke_, begin_, commit_;
  Revision compacted_ = 0;
  mvcc::RowId position_ = 0;  // rows before it have been looked at by compaction
};

inline constexpr int kFormatVersion = 1;
inline constexpr int64_t kApplicationId = 0x54697068;  // "Tiph"

}  // namespace tiphys::storage::embedded
