// What the store's contract suite needs of an engine under test: a loop to run, a store, a restart.
#pragma once
#include <memory>
#include <string>

#include "async/loop.h"
#include "storage/mvcc/mvcc_store.h"

namespace tiphys::tests {

class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  virtual Loop& loop() = 0;
  virtual storage::Store& store() = 0;
  // Runs the loop until the predicate holds; false after `limit`.
  virtual bool run_until(std::function<bool()> predicate,
                         Duration limit = std::chrono::seconds(60)) = 0;
  // Stops the store and opens it again; false: the engine keeps nothing.
  virtual bool reopen() = 0;
  // Opens the store again as if it had crashed: without a clean end. Requires: no call and no
  // lagging watch.
  virtual bool crash() { return reopen(); }

  template <class T>
  T run(Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      bool done = false;
      spawn(finish(this, std::move(task), &done));
      if (!run_until([&done] { return done; }, std::chrono::minutes(2))) std::abort();
    } else {
      std::optional<T> value;
      spawn(keep(this, std::move(task), &value));
      if (!run_until([&value] { return value.has_value(); }, std::chrono::minutes(2))) std::abort();
      return std::move(*value);
    }
  }

 private:
  virtual void wake() {}  // a task has ended: look at the predicate
  static Task<void> finish(StoreHarness* self, Task<void> task, bool* done) {
    co_await std::move(task);
    *done = true;
    self->wake();
  }
  template <class T>
  static Task<void> keep(StoreHarness* self, Task<T> task, std::optional<T>* out) {
    out->emplace(co_await std::move(task));
    self->wake();
  }
};

struct Engine {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>(storage::mvcc::Policy)> make;
};
std::vector<Engine> engines();

// An empty directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Never compacts by itself.
inline storage::mvcc::Policy keep_all() {
  return {.keep_for = Duration::zero(), .value_cache_bytes = 1 << 20};
}

}  // namespace tiphys::tests
