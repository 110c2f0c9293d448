// VolumeCalls: calls on volumes that may take long or never end (a hostPath on a dead network
// mount, a tree of millions of files), on threads of their own: what hangs costs one of those, and
// never one of the pool's that everything else needs.
//
// Loop thread only. The function must own what it touches: nobody waits for it at the end. One call
// a key at a time; further ones wait for their turn, and give up at their limit unstarted.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "async/pool.h"

namespace tiphys::kubelet {

class VolumeCalls {
 public:
  VolumeCalls(Loop& loop, int max_threads);
  ~VolumeCalls();  // Requires: no task waits in run()

  // The function's result; nothing if `limit` passed or stop was requested first: it goes on then,
  // and its result is dropped.
  template <class T>
  Task<std::optional<T>> run(std::string key, std::move_only_function<T()> call, Duration limit,
                             StopToken stop) {
    auto result = std::make_shared<std::optional<T>>();
    bool ended = co_await run_keyed(
        std::move(key), [result, call = std::move(call)]() mutable { result->emplace(call()); },
        limit, stop);
    if (!ended) co_return std::nullopt;
    co_return std::move(*result);
  }
  // Calls that have not ended.
  size_t running() const { return running_.size(); }

 private:
  // What the threads see: they may outlive this object, and the loop.
  struct Link {
    std::mutex mutex;  // guards owner
    VolumeCalls* owner = nullptr;
  };
  Task<bool> run_keyed(std::string key, std::move_only_function<void()> call, Duration limit,
                       StopToken stop);
  void ended(const std::string& key);

  Loop& loop_;
  WorkerPool pool_;
  std::shared_ptr<Link> link_;
  std::map<std::string, std::shared_ptr<Event>> running_;  // by key; set when it has ended
};

}  // namespace tiphys::kubelet
