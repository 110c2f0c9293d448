// Options: the audit flags of kube-apiserver, their checks, and the Auditor that they ask for.
// Upstream: apiserver/pkg/server/options/audit.go.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apiserver/audit/auditor.h"

namespace tiphys::apiserver::audit {

struct Options {
  std::string policy_file;
  std::string log_path;  // "": no log; "-": standard output
  std::string log_format = "json";
  std::string log_version = "audit.k8s.io/v1";
  std::string log_mode = "blocking";
  int64_t log_max_age = 0;  // days
  int64_t log_max_backup = 0;
  int64_t log_max_size = 0;  // megabytes; 0: kDefaultMaxSize
  bool log_compress = false;
  int64_t batch_buffer_size = 10000;
  int64_t batch_max_size = 1;
  Duration batch_max_wait = Duration::zero();
  bool truncate_enabled = false;
  int64_t truncate_max_batch_size = 10 << 20;
  int64_t truncate_max_event_size = 100 << 10;
};

inline constexpr int64_t kDefaultMaxSize = 100;  // lumberjack's

// What is wrong with them, in upstream's words; nothing without a log path.
std::vector<std::string> faults(const Options& options);

// Null: no policy, or no log. Reads the policy file and makes the log file (blocks; for start).
// Errors: "loading audit policy file: ...", the log file's.
Result<std::shared_ptr<Auditor>> make_auditor(const Options& options, Loop& loop, WorkerPool& pool,
                                              const Clock& file_clock);

}  // namespace tiphys::apiserver::audit
