#include "storage/embedded/reader.h"

namespace tiphys::storage::embedded {

using mvcc::History;
using mvcc::Row;
using mvcc::RowId;
using mvcc::RowQuery;

namespace {

constexpr const char* kRowColumns = "SELECT id,previous,created,version,lease,key,value FROM kv ";

Row row_of(const Statement& statement) {
  Row row;
  row.id = statement.integer(0);
  row.previous = statement.integer(1);
  row.created = statement.integer(2);
  row.version = statement.integer(3);
  row.lease = statement.integer(4);
  row.key = statement.text(5);
  if (!statement.is_null(6)) row.value = std::make_shared<const std::string>(statement.text(6));
  return row;
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(const std::string& path) {
  std::unique_ptr<Reader> reader(new Reader);  // NOLINT: private constructor
  TIPHYS_TRY(std::unique_ptr<Connection>, connection,
             Connection::open(path, Connection::Mode::kReadOnly));
  reader->connection_ = std::move(connection);
  auto limited = reader->connection_->execute("PRAGMA cache_size=-2048");
  if (!limited) return limited.error();
  std::string columns = kRowColumns;
  TIPHYS_TRY(Statement, row, reader->connection_->prepare(columns + "WHERE id=?"));
  TIPHYS_TRY(Statement, previous,
             reader->connection_->prepare("SELECT previous FROM kv WHERE id=?"));
  TIPHYS_TRY(Statement, range,
             reader->connection_->prepare(columns + "WHERE id>=? AND id<? ORDER BY id"));
  reader->row_ = std::move(row);
  reader->previous_ = std::move(previous);
  reader->range_ = std::move(range);
  return reader;
}

Result<RowId> Reader::go_back(RowQuery query) {
  RowId id = query.row;
  while (id != 0 && query.at != 0 && mvcc::revision_of(id) > query.at) {
    previous_.bind(1, id);
    auto found = previous_.step();
    id = found && *found ? previous_.integer(0) : 0;
    previous_.reset();
    if (!found) return found.error();
  }
  return id;
}

Result<std::optional<Row>> Reader::find(RowQuery query) {
  TIPHYS_TRY(RowId, id, go_back(query));
  if (id == 0) return std::optional<Row>();
  row_.bind(1, id);
  auto found = row_.step();
  std::optional<Row> row;
  if (found && *found) row = row_of(row_);
  row_.reset();
  if (!found) return found.error();
  return row;
}

Result<std::vector<std::optional<Row>>> Reader::read(const std::vector<RowQuery>& queries) {
  std::vector<std::optional<Row>> rows;
  rows.reserve(queries.size());
  for (auto& query : queries) {
    TIPHYS_TRY(std::optional<Row>, row, find(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<History> Reader::history(Revision from, Revision to, bool with_previous) {
  History out;
  out.through = to;
  size_t bytes = 0;
  range_.bind(1, mvcc::row_id(from));
  range_.bind(2, mvcc::row_id(to + 1));
  for (;;) {
    auto found = range_.step();
    if (!found) {
      range_.reset();
      return found.error();
    }
    if (!*found) break;
    Revision revision = mvcc::revision_of(range_.integer(0));
    bool enough = out.rows.size() >= mvcc::kHistoryRows || bytes >= mvcc::kHistoryBytes;
    if (enough && mvcc::revision_of(out.rows.back().id) != revision) {
      out.through = revision - 1;
      break;
    }
    out.rows.push_back(row_of(range_));
    if (out.rows.back().value) bytes += out.rows.back().value->size();
  }
  range_.reset();
  if (with_previous) {
    auto read = read_previous(out);
    if (!read) return read.error();
  }
  return out;
}

Result<void> Reader::read_previous(History& history) {
  for (auto& row : history.rows) {
    TIPHYS_TRY(std::optional<Row>, previous, find({row.previous, 0}));
    history.previous.push_back(std::move(previous));
  }
  return {};
}

}  // namespace tiphys::storage::embedded
