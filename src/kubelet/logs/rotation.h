// A container's log file and those that it was rotated into: "<log>.<time>", "<log>.<time>.gz".
// After upstream's pkg/kubelet/logs/container_log_manager.go. All but plan_rotation block.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tiphys::kubelet {

struct RotationPlan {
  std::vector<std::string> remove;    // left by a rotation that failed, or too many; oldest first
  std::vector<std::string> compress;  // those that are not yet
  bool operator==(const RotationPlan&) const = default;
};
// names: files in the log's folder. Leaves room for the log itself and what it becomes. Pure.
RotationPlan plan_rotation(const std::vector<std::string>& names, const std::string& log,
                           int64_t max_files);

// Tidies up what was rotated before and renames the log; the container still writes to it until
// the runtime opens a new one. Gives the new name. Errors: a file can't be written or renamed;
// the name is taken (a rotation in the same second).
Result<std::string> rotate_log(const std::string& path, int64_t max_files, MicroTime now);
// The log gets its name back, if nothing else has it by now.
void undo_rotation(const std::string& rotated, const std::string& path);
// A file's size; -1: it isn't there.
int64_t log_bytes(const std::string& path);
// The log and everything it was rotated into.
void remove_logs(const std::string& path);
// To "<path>.gz"; the file itself is removed. Memory is bounded: one gzip member a mebibyte.
Result<void> compress_log(const std::string& path);

}  // namespace tiphys::kubelet
