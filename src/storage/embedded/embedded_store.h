// The embedded engine: a durable store in a directory, on SQLite. Opened by one process at a time;
// needs no maintenance. File format: docs/formats/embedded-store.md.
#pragma once
#include <memory>
#include <string>

#include "storage/mvcc/mvcc_store.h"

namespace tiphys::storage::embedded {

struct Options {
  mvcc::Policy policy;
  int64_t max_bytes = 0;  // limit of the database file; 0: none but the disk
};

// Opens the store in `directory`, made if absent. Blocks while it reads the keys. Errors
// (InternalError): "<directory> is in use by process N"; "storage: <path>: is not a Tiphys store",
// "... is damaged", "... was written by a newer version".
Result<std::unique_ptr<Store>> open(Loop& loop, std::string directory, Options options = {});

}  // namespace tiphys::storage::embedded
