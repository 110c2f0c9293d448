#include "storage/embedded/embedded_store.h"

#include "storage/embedded/sqlite_backend.h"

namespace tiphys::storage::embedded {

Result<std::unique_ptr<Store>> open(Loop& loop, std::string directory, Options options) {
  auto made = os::make_dirs(directory, 0700);
  if (!made) return made.error();
  TIPHYS_TRY(DirectoryLock, lock, DirectoryLock::take(directory));
  std::string path = directory + "/store.db";
  TIPHYS_TRY(std::unique_ptr<Database>, database, Database::open({path, options.max_bytes}));
  TIPHYS_TRY(std::unique_ptr<Reader>, reader, Reader::open(path));
  mvcc::KeyIndex index;
  TIPHYS_TRY(mvcc::Recovered, recovered,
             database->recover([&index](const mvcc::Row& row) { index.apply(row); }));
  index.compact(recovered.compacted);
  auto backend = std::make_unique<SqliteBackend>(loop, std::move(lock), std::move(database),
                                                 std::move(reader));
  return std::unique_ptr<Store>(std::make_unique<mvcc::MvccStore>(
      loop, std::move(backend), std::move(index), std::move(recovered), options.policy));
}

}  // namespace tiphys::storage::embedded
