// Connection and Statement: SQLite with RAII and Results. A connection is used by one thread at a
// time.
//
// Errors are InternalError "<path>: <what happened>"; a full disk reads "... no space left on
// device", a file that is no database or is damaged says so.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tiphys::storage::embedded {

class Connection;

class Statement {
 public:
  Statement() = default;
  Statement(Statement&&) noexcept = default;
  Statement& operator=(Statement&&) noexcept = default;

  // Parameters count from 1, columns from 0. Text and blobs are borrowed until the next reset().
  void bind(int parameter, int64_t value);
  void bind_text(int parameter, std::string_view text);
  void bind_blob(int parameter, std::string_view bytes);
  void bind_null(int parameter);
  // True: a row is there.
  Result<bool> step();
  // For statements without result: step and reset.
  Result<void> run();
  void reset();
  int64_t integer(int column) const;
  std::string_view text(int column) const;  // valid until the next step
  bool is_null(int column) const;

 private:
  friend class Connection;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  const Connection* connection_ = nullptr;
};

class Connection {
 public:
  enum class Mode : uint8_t { kReadWrite, kReadOnly };
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Mode mode);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  Result<void> execute(const char* sql);  // statements without parameters; results are dropped
  Result<Statement> prepare(std::string_view sql);
  Result<int64_t> query_integer(const char* sql);
  bool in_transaction() const;
  // Moves what readers allow of the write-ahead log into the database file.
  Result<void> checkpoint(bool truncate);
  int log_pages() const { return log_pages_; }  // in the log after the last commit of this one
  ApiStatus error(int code) const;              // of the last call

 private:
  Connection() = default;
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Closer> database_;
  int log_pages_ = 0;
};

}  // namespace tiphys::storage::embedded
