// EventRecorder: writes Events about objects, aggregated as client-go does (same event: count and
// lastTimestamp are patched), with a bounded queue; events are dropped rather than ever blocking.
#pragma once
#include <string>
#include <string_view>

#include "async/gate.h"
#include "base/random.h"
#include "client/client.h"

namespace tiphys::client {

class EventRecorder {
 public:
  static constexpr size_t kMaxQueued = 1000;
  // `max_queued`: events that may wait to be written; more are dropped.
  EventRecorder(Loop& loop, Client& client, Random& random, std::string host = "",
                size_t max_queued = kMaxQueued);
  ~EventRecorder();  // Requires: stop() finished, or nothing was recorded
  // type: "Normal" or "Warning". The object gives involvedObject. Never blocks, never fails.
  // `component`: who tells it; "": the client's component.
  void record(const Object& about, std::string_view type, std::string_view reason,
              std::string_view message, std::string_view field_path = {},
              std::string_view component = {});
  // Still writes what waits, for at most two seconds.
  Task<void> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys::client
