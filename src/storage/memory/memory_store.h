// The memory engine: a store that forgets everything when it goes; for tests and simulation. It
// uses no threads, so it runs on SimLoop.
#pragma once
#include <memory>

#include "storage/mvcc/mvcc_store.h"

namespace tiphys::storage {

std::unique_ptr<Store> make_memory_store(Loop& loop, mvcc::Policy policy = {});

}  // namespace tiphys::storage
