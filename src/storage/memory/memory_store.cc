#include "storage/memory/memory_store.h"

#include "storage/memory/memory_backend.h"

namespace tiphys::storage {

std::unique_ptr<Store> make_memory_store(Loop& loop, mvcc::Policy policy) {
  policy.value_cache_bytes = 0;  // the values are in memory as it is
  return std::make_unique<mvcc::MvccStore>(loop, std::make_unique<memory::MemoryBackend>(loop),
                                           mvcc::KeyIndex(), mvcc::Recovered(), policy);
}

}  // namespace tiphys::storage
