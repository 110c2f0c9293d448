// StoreProbe: what the checks "etcd" and "etcd-readiness" tell. The store is asked when somebody
// wants to know, but not twice within a second; who asks in between is told what came of that.
// Upstream: storagebackend/factory (newETCD3Check) and its default time limit.
//
// Loop thread only.
#pragma once
#include <optional>
#include <string_view>

#include "async/gate.h"
#include "storage/store.h"

namespace tiphys::apiserver {

inline constexpr std::string_view kEtcdCheck = "etcd";
inline constexpr std::string_view kEtcdReadinessCheck = "etcd-readiness";

class StoreProbe {
 public:
  static constexpr Duration kTimeLimit = std::chrono::seconds(2);

  StoreProbe(Loop& loop, storage::Store& store);
  // Asks, unless it was just asked; waits for the answer until the time limit.
  Task<void> look();
  // As of the last look. Errors: the store's; "context deadline exceeded".
  Result<void> reads() const { return reads_; }
  // Also: its last write failed.
  Result<void> writes() const;
  // No look() may follow.
  Task<void> stop();

 private:
  Task<void> ask();

  Loop& loop_;
  storage::Store& store_;
  Gate gate_;
  Event answered_;  // nobody is asking
  std::optional<MonoTime> asked_at_;
  Result<void> reads_;
};

}  // namespace tiphys::apiserver
