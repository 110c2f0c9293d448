// RotatingFile: a log file that is put aside when it is full, under the time's name:
// audit.log -> audit-2026-11-25T20-01-02.345.log, compressed with ".gz" behind it. Old files are
// removed by number and by age.
// Names and rules: gopkg.in/natefinch/lumberjack.v2, which upstream writes audit logs with.
//
// Blocks; thread rule of Sink.
#pragma once
#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/audit/sink.h"
#include "base/time.h"

namespace tiphys::apiserver::audit {

struct RotationOptions {
  std::string path;
  int64_t max_bytes = 100 << 20;  // of a file, before it is put aside
  int64_t max_backups = 0;        // 0: all are kept
  int64_t max_age_days = 0;       // 0: for ever
  bool compress = false;
};

class RotatingFile : public Sink {
 public:
  // clock: thread-safe, outlives this. Nothing is opened before the first write.
  RotatingFile(RotationOptions options, const Clock& clock);

  // Errors: "write length N exceeds maximum file size M"; the file system's.
  Result<void> write(std::string_view line) override;
  bool is_untidy() override { return untidy_; }
  Result<void> tidy() override;

 private:
  bool keeps_order() const {
    return options_.max_backups > 0 || options_.max_age_days > 0 || options_.compress;
  }
  Result<void> open(size_t bytes);
  Result<void> rotate();
  Result<void> create(int mode);

  RotationOptions options_;
  const Clock& clock_;
  std::optional<os::AppendFile> file_;
  std::atomic<bool> untidy_ = false;
};

// ---- names; pure ----

struct Backup {
  std::string name;  // without the folder
  MicroTime time = 0;
  bool compressed = false;
};
// "audit.log" put aside at a time.
std::string backup_name(std::string_view name, MicroTime time);
// The backups of `name` among the folder's files, newest first.
std::vector<Backup> find_backups(std::string_view name, const std::vector<std::string>& files);
struct TidyPlan {
  std::vector<std::string> remove;
  std::vector<std::string> compress;
};
TidyPlan plan_tidying(const RotationOptions& options, std::vector<Backup> backups, MicroTime now);

}  // namespace tiphys::apiserver::audit
