// AllocationStore: allocations of the pods of this node, in a file that outlives the process.
//
// Loop thread only; the file is written on the pool, whole and atomically, one writer at a time.
// A change is in memory at once and on disk after written(). A file that can't be read is logged
// and set aside ("<path>.corrupt"): its pods are as if they were never seen. One that can't be
// written stays as it was, and is written by the next who waits for it.
#pragma once
#include <set>

#include "async/loop.h"
#include "async/pool.h"
#include "kubelet/allocation/checkpoint.h"

namespace tiphys::kubelet {

class AllocationStore {
 public:
  AllocationStore(Loop& loop, WorkerPool& pool, std::string path)
      : loop_(loop), pool_(pool), path_(std::move(path)), done_(loop) {}
  // Blocks shortly; before anything else is called.
  void load();
  // Null: nothing is known of that pod. Until the next change.
  const Allocation* find(std::string_view uid) const;
  void set(const std::string& uid, Allocation allocation);
  void set(const std::string& uid, const std::string& container, Amounts amounts);
  void remove(std::string_view uid);
  void keep_only(const std::set<std::string>& uids);
  // Returns when everything that was set before is on disk, or what went wrong.
  Task<Result<void>> written();

  static constexpr size_t kMaxCheckpointBytes = 16 * 1024 * 1024;

 private:
  Loop& loop_;
  WorkerPool& pool_;
  std::string path_;
  Event done_;  // pulsed after each write
  Allocations all_;
  uint64_t changes_ = 0;
  uint64_t saved_ = 0;  // changes that are on disk
  bool writing_ = false;
};

}  // namespace tiphys::kubelet
