#include "storage/embedded/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

namespace tiphys::storage::embedded {

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::bind(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
}

void Statement::bind_text(int parameter, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), parameter, text.data() ? text.data() : "", text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), parameter, bytes.data() ? bytes.data() : "", bytes.size(),
                      SQLITE_STATIC);
}

void Statement::bind_null(int parameter) { sqlite3_bind_null(statement_.get(), parameter); }

Result<bool> Statement::step() {
  int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->error(code);
}

Result<void> Statement::run() {
  auto stepped = step();
  reset();
  if (!stepped) return stepped.error();
  return {};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  int size = sqlite3_column_bytes(statement_.get(), column);
  if (!data) return {};
  return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Connection::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode) {
  std::unique_ptr<Connection> connection(new Connection);  // NOLINT: private constructor
  connection->path_ = path;
  int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
      (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* database = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  connection->database_.reset(database);
  if (code != SQLITE_OK) return connection->error(code);
  sqlite3_busy_timeout(database, 5'000);
  sqlite3_wal_hook(
      database,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      connection.get());
  return connection;
}

Result<void> Connection::execute(const char* sql) {
  int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return error(code);
  Statement statement;
  statement.statement_.reset(raw);
  statement.connection_ = this;
  return statement;
}

Result<int64_t> Connection::query_integer(const char* sql) {
  TIPHYS_TRY(Statement, statement, prepare(sql));
  TIPHYS_TRY(bool, found, statement.step());
  return found ? statement.integer(0) : 0;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

Result<void> Connection::checkpoint(bool truncate) {
  int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, mode, nullptr, nullptr);
  if (code != SQLITE_OK && code != SQLITE_BUSY) return error(code);
  return {};
}

ApiStatus Connection::error(int code) const {
  auto say = [this](std::string_view what) {
    return ApiStatus::internal("storage: " + path_ + ": " + std::string(what));
  };
  int system = database_ ? sqlite3_system_errno(database_.get()) : 0;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return say("no space left on device");
    case SQLITE_NOTADB:
      return say("is not a Tiphys store (not a database), or is damaged");
    case SQLITE_CORRUPT:
      return say("is damaged (" + std::string(sqlite3_errmsg(database_.get())) + ")");
    default: {
      std::string text = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code);
      if (system == ENOSPC || system == EDQUOT) return say("no space left on device");
      if (system != 0) text += std::string(": ") + std::strerror(system);
      return say(text);
    }
  }
}

}  // namespace tiphys::storage::embedded
