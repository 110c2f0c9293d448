#include "storage/embedded/database.h"

namespace tiphys::storage::embedded {

using mvcc::Row;
using mvcc::RowId;

namespace {

constexpr int kPageBytes = 4096;
constexpr int kCheckpointPages = 1'000;  // of log
constexpr int kShrinkPages = 256;        // at most, a call
constexpr int64_t kFreePagesKept = 1'024;

constexpr const char* kTables = R"(
CREATE TABLE kv(
  id INTEGER PRIMARY KEY, previous INTEGER NOT NULL, created INTEGER NOT NULL,
  version INTEGER NOT NULL, lease INTEGER NOT NULL, key TEXT NOT NULL, value BLOB);
CREATE TABLE lease(id INTEGER PRIMARY KEY, ttl INTEGER NOT NULL);
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
)";

}  // namespace

Result<std::unique_ptr<Database>> Database::open(DatabaseOptions options) {
  std::unique_ptr<Database> database(new Database);  // NOLINT: private constructor
  database->options_ = std::move(options);
  TIPHYS_TRY(std::unique_ptr<Connection>, connection,
             Connection::open(database->options_.path, Connection::Mode::kReadWrite));
  database->connection_ = std::move(connection);
  auto fine = database->check_identity();
  if (!fine) return fine.error();
  fine = database->configure();
  if (!fine) return fine.error();
  fine = database->create_tables();
  if (!fine) return fine.error();
  fine = database->prepare();
  if (!fine) return fine.error();
  return database;
}

// Before anything is changed.
Result<void> Database::check_identity() {
  TIPHYS_TRY(int64_t, tables, connection_->query_integer("SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) return {};
  TIPHYS_TRY(int64_t, application, connection_->query_integer("PRAGMA application_id"));
  if (application != kApplicationId) {
    return ApiStatus::internal("storage: " + options_.path + ": is not a Tiphys store");
  }
  TIPHYS_TRY(int64_t, version, connection_->query_integer("PRAGMA user_version"));
  if (version > kFormatVersion) {
    return ApiStatus::internal("storage: " + options_.path + ": was written by a newer version " +
                               "of Tiphys (format " + std::to_string(version) +
                               ", known: " + std::to_string(kFormatVersion) + ")");
  }
  return {};
}

Result<void> Database::configure() {
  auto set = [this](const std::string& pragma) {
    return connection_->execute(("PRAGMA " + pragma).c_str());
  };
  std::vector<std::string> pragmas = {
      "page_size=" + std::to_string(kPageBytes),
      "auto_vacuum=INCREMENTAL",
      "journal_mode=WAL",
      "synchronous=FULL",
      "wal_autocheckpoint=0",  // checkpoint() does it, after the answers went out
      "journal_size_limit=16777216",
      "cache_size=-4096",  // KiB
      "temp_store=MEMORY",
      "cell_size_check=ON",
  };
  if (options_.max_bytes > 0) {
    pragmas.push_back("max_page_count=" + std::to_string(options_.max_bytes / kPageBytes));
  }
  for (auto& pragma : pragmas) {
    auto fine = set(pragma);
    if (!fine) return fine;
  }
  return {};
}

Result<void> Database::create_tables() {
  TIPHYS_TRY(int64_t, tables, connection_->query_integer("SELECT count(*) FROM sqlite_schema"));
  if (tables != 0) return {};
  std::string sql = "BEGIN IMMEDIATE;" + std::string(kTables) +
                    "PRAGMA application_id=" + std::to_string(kApplicationId) +
                    ";PRAGMA user_version=" + std::to_string(kFormatVersion) + ";COMMIT";
  auto made = connection_->execute(sql.c_str());
  if (!made && connection_->in_transaction()) roll_back();
  return made;
}

Result<void> Database::prepare() {
  struct Prepared {
    Statement* statement;
    const char* sql;
  };
  const Prepared all[] = {
      {&insert_,
       "INSERT INTO kv(id,previous,created,version,lease,key,value)"
       " VALUES(?,?,?,?,?,?,?)"},
      {&remove_, "DELETE FROM kv WHERE id=?"},
      {&scan_, "SELECT id,previous,version FROM kv WHERE id>=? AND id<? ORDER BY id"},
      {&meta_,
       "INSERT INTO meta(name,value) VALUES(?1,?2)"
       " ON CONFLICT(name) DO UPDATE SET value=excluded.value"},
      {&grant_, "INSERT INTO lease(id,ttl) VALUES(?,?)"},
      {&revoke_, "DELETE FROM lease WHERE id=?"},
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
  };
  for (auto& entry : all) {
    TIPHYS_TRY(Statement, statement, connection_->prepare(entry.sql));
    *entry.statement = std::move(statement);
  }
  return reload_compaction();
}

Result<void> Database::reload_compaction() {
  TIPHYS_TRY(int64_t, compacted, get_meta("compacted"));
  TIPHYS_TRY(int64_t, position, get_meta("compaction_position"));
  compacted_ = compacted;
  position_ = position;
  return {};
}

Result<int64_t> Database::get_meta(const char* name) {
  TIPHYS_TRY(Statement, statement, connection_->prepare("SELECT value FROM meta WHERE name=?"));
  statement.bind_text(1, name);
  TIPHYS_TRY(bool, found, statement.step());
  return found ? statement.integer(0) : 0;
}

Result<void> Database::put_meta(const char* name, int64_t value) {
  meta_.bind_text(1, name);
  meta_.bind(2, value);
  return meta_.run();
}

Result<mvcc::Recovered> Database::recover(const std::function<void(const Row&)>& on_row) {
  mvcc::Recovered out;
  out.compacted = compacted_;
  TIPHYS_TRY(
      Statement, rows,
      connection_->prepare("SELECT id,previous,created,version,lease,key FROM kv ORDER BY id"));
  RowId newest = 0;
  for (;;) {
    TIPHYS_TRY(bool, found, rows.step());
    if (!found) break;
    Row row;
    row.id = newest = rows.integer(0);
    row.previous = rows.integer(1);
    row.created = rows.integer(2);
    row.version = rows.integer(3);
    row.lease = rows.integer(4);
    row.key = rows.text(5);
    on_row(row);
  }
  // The newest row may have been a deletion that compaction took: the mark is a revision too.
  out.revision = std::max({mvcc::revision_of(newest), compacted_, Revision{1}});
  TIPHYS_TRY(Statement, leases, connection_->prepare("SELECT id,ttl FROM lease"));
  for (;;) {
    TIPHYS_TRY(bool, found, leases.step());
    if (!found) break;
    out.leases.push_back({leases.integer(0), Duration(leases.integer(1))});
  }
  return out;
}

Result<void> Database::begin() { return begin_.run(); }

Result<void> Database::commit() { return commit_.run(); }

void Database::roll_back() {
  // After some errors SQLite has already done it.
  if (connection_->in_transaction()) (void)connection_->execute("ROLLBACK");
}

Result<void> Database::insert(const Row& row) {
  insert_.bind(1, row.id);
  insert_.bind(2, row.previous);
  insert_.bind(3, row.created);
  insert_.bind(4, row.version);
  insert_.bind(5, row.lease);
  insert_.bind_text(6, row.key);
  if (row.value) {
    insert_.bind_blob(7, *row.value);
  } else {
    insert_.bind_null(7);
  }
  return insert_.run();
}

Result<void> Database::write(const mvcc::WriteRequest& request) {
  for (auto& row : request.rows) {
    auto inserted = insert(row);
    if (!inserted) return inserted;
  }
  if (request.grant) {
    grant_.bind(1, request.grant->id);
    grant_.bind(2, request.grant->ttl.count());
    auto granted = grant_.run();
    if (!granted) return granted;
  }
  if (request.revoke != 0) {
    revoke_.bind(1, request.revoke);
    auto revoked = revoke_.run();
    if (!revoked) return revoked;
  }
  if (request.compact != 0) return set_compacted(request.compact);
  return {};
}

Result<void> Database::set_compacted(Revision revision) {
  if (revision <= compacted_) return {};
  compacted_ = revision;
  return put_meta("compacted", revision);
}

// Returns where to go on; the mark's revision is always done as a whole.
Result<RowId> Database::find_doomed(int rows, std::vector<RowId>& doomed) {
  scan_.bind(1, position_);
  scan_.bind(2, mvcc::row_id(compacted_ + 1));
  for (int seen = 0;; ++seen) {
    auto found = scan_.step();
    RowId id = found && *found ? scan_.integer(0) : mvcc::row_id(compacted_);
    if (!found || !*found || (seen >= rows && mvcc::revision_of(id) < compacted_)) {
      scan_.reset();
      if (!found) return found.error();
      return id;
    }
    if (scan_.integer(1) != 0) doomed.push_back(scan_.integer(1));
    bool deletion = scan_.integer(2) == 0;
    if (deletion && mvcc::revision_of(id) < compacted_) doomed.push_back(id);
  }
}

// A row makes the one before it unnecessary once the mark has reached the row, and a deletion is
// unnecessary itself once the mark is past it. The mark's own row is looked at again next time.
Result<void> Database::compact_some(int rows) {
  std::vector<RowId> doomed;
  TIPHYS_TRY(RowId, next, find_doomed(rows, doomed));
  for (RowId id : doomed) {
    remove_.bind(1, id);
    auto removed = remove_.run();
    if (!removed) return removed;
  }
  position_ = next;
  return put_meta("compaction_position", position_);
}

Result<bool> Database::shrink() {
  TIPHYS_TRY(int64_t, unused, connection_->query_integer("PRAGMA freelist_count"));
  TIPHYS_TRY(int64_t, pages, connection_->query_integer("PRAGMA page_count"));
  if (unused < kFreePagesKept || unused < pages / 4) return false;
  auto freed = connection_->execute(
      ("PRAGMA incremental_vacuum(" + std::to_string(kShrinkPages) + ")").c_str());
  if (!freed) return freed.error();
  return true;
}

Result<void> Database::checkpoint() {
  if (connection_->log_pages() < kCheckpointPages) return {};
  return connection_->checkpoint(false);
}

Result<void> Database::close() {
  auto done = connection_->checkpoint(true);
  for (Statement* statement :
       {&insert_, &remove_, &scan_, &meta_, &grant_, &revoke_, &begin_, &commit_}) {
    *statement = Statement();
  }
  connection_.reset();
  return done;
}

}  // namespace tiphys::storage::embedded
