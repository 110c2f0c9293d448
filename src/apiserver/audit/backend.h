// Backend: takes events and writes them to a sink, a line each, on the pool, in order. What waits
// is bounded: kMaxPendingBytes, and the buffer size in batch mode.
//
// Loop thread only (the sink's work aside). Life: construct, use, stop(); loop and pool outlive it.
// Upstream: apiserver/plugin/pkg/audit/{log,buffered,truncate}.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/audit/counts.h"
#include "apiserver/audit/event.h"
#include "apiserver/audit/sink.h"
#include "async/gate.h"
#include "async/loop.h"
#include "async/pool.h"

namespace tiphys::apiserver::audit {

// What waits to be written, at most: events beyond it are dropped, and counted.
inline constexpr size_t kMaxPendingBytes = 64 << 20;
inline constexpr size_t kMaxPendingEvents = 10000;  // in the blocking modes
inline constexpr size_t kMaxWrittenAtOnce = 1000;   // lines of one piece of work for the pool

enum class Mode : uint8_t { kBatch, kBlocking, kBlockingStrict };
enum class Format : uint8_t { kJson, kLegacy };

struct BackendOptions {
  Mode mode = Mode::kBlocking;
  Format format = Format::kJson;
  size_t buffer_size = 10000;  // events, in batch mode
  size_t batch_max_size = 1;   // more: events are waited for, up to batch_max_wait
  Duration batch_max_wait = Duration::zero();
  size_t max_event_bytes = 0;  // 0: events are not truncated
};

class Backend {
 public:
  Backend(Loop& loop, WorkerPool& pool, std::unique_ptr<Sink> sink, BackendOptions options);
  ~Backend();  // Requires: stop() finished, or nothing was written

  // Resumes at once in batch mode, else when the event is written. False: the mode is
  // blocking-strict, and the event was lost.
  Task<bool> write(Event event);
  // Never waits, in any mode.
  void post(Event event);
  // Writes what waits. Events that come later are dropped.
  Task<void> stop();
  Counts& counts() { return counts_; }

 private:
  struct Waiting {
    explicit Waiting(Loop& loop) : done(loop) {}
    tiphys::Event done;
    bool written = false;
  };
  struct Pending {
    std::string line;
    std::shared_ptr<Waiting> waiting;  // null: nobody waits
  };
  struct Outcome {
    std::vector<bool> written;
    std::optional<ApiStatus> error;  // the first
    bool untidy = false;
  };

  std::optional<std::string> line_of(Event event);
  bool push(std::string line, std::shared_ptr<Waiting> waiting);
  Task<void> drain();
  Task<void> collect();
  Task<void> tidy();
  std::vector<Pending> take();
  void settle(std::vector<Pending> batch, const Outcome& outcome);
  static Outcome write_all(Sink& sink, const std::vector<Pending>& batch);

  Loop& loop_;
  WorkerPool& pool_;
  std::unique_ptr<Sink> sink_;
  BackendOptions options_;
  Gate gate_;
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;
  tiphys::Event full_;  // a whole batch waits
  bool draining_ = false;
  bool tidying_ = false;
  bool stopped_ = false;
  uint64_t untold_drops_ = 0;
  Counts counts_;
};

}  // namespace tiphys::apiserver::audit
