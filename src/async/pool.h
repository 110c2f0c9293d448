// WorkerPool: threads for work that blocks (files, processes, fsync). The only threads besides
// loops.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include "async/loop.h"

namespace tiphys {

class WorkerPool {
 public:
  // kAbandon: for work that may never end (a call on a dead network mount). Nobody waits for it:
  // what it touches must be its own.
  enum class AtEnd { kWait, kAbandon };
  // Started on demand, ended after 10 s without work. 0: work runs in submit() (virtual time).
  explicit WorkerPool(int max_threads, AtEnd at_end = AtEnd::kWait);
  ~WorkerPool();  // kWait: waits for running work; queued work still runs. kAbandon: drops it
  // Thread-safe. The work runs on some thread, once.
  void submit(std::move_only_function<void()> work);

 private:
  struct State;
  std::shared_ptr<State> state_;
  AtEnd at_end_;
};

// Runs fn on the pool and resumes on the loop with its result.
// fn must not touch loop-owned state. Example:
//   auto text = co_await run_blocking(loop, pool, [path] { return os::read_file(path); });
template <class Fn>
Task<std::invoke_result_t<Fn>> run_blocking(Loop& loop, WorkerPool& pool, Fn fn) {
  using T = std::invoke_result_t<Fn>;
  struct Awaiter {
    Loop& loop;
    WorkerPool& pool;
    Fn& fn;
    std::conditional_t<std::is_void_v<T>, std::monostate, std::optional<T>> value;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      pool.submit([this, handle] {
        if constexpr (std::is_void_v<T>) {
          fn();
        } else {
          value.emplace(fn());
        }
        loop.post([handle] { handle.resume(); });
      });
    }
    T await_resume() {
      if constexpr (!std::is_void_v<T>) return std::move(*value);
    }
  };
  Awaiter awaiter{loop, pool, fn, {}};
  co_return co_await awaiter;
}

}  // namespace tiphys
