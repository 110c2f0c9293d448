// Reader: reads rows back through a connection of its own. Used by one thread at a time, beside the
// writer's.
#pragma once
#include "storage/embedded/sqlite.h"
#include "storage/mvcc/backend.h"

namespace tiphys::storage::embedded {

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const std::string& path);
  Result<std::vector<std::optional<mvcc::Row>>> read(const std::vector<mvcc::RowQuery>& queries);
  Result<mvcc::History> history(Revision from, Revision to, bool with_previous);

 private:
  Reader() = default;
  Result<std::optional<mvcc::Row>> find(mvcc::RowQuery query);
  // Follows the chain of previous rows without reading values.
  Result<mvcc::RowId> go_back(mvcc::RowQuery query);
  Result<void> read_previous(mvcc::History& history);

  std::unique_ptr<Connection> connection_;
  Statement row_, previous_, range_;
};

}  // namespace tiphys::storage::embedded
