#include "apiserver/audit/options.h"

#include <algorithm>

#include "apiserver/audit/policy_file.h"
#include "apiserver/audit/rotating_file.h"
#include "base/log.h"
#include "base/strings.h"

namespace tiphys::apiserver::audit {
namespace {

constexpr std::string_view kModes[] = {"batch", "blocking", "blocking-strict"};
constexpr int64_t kMegabyte = 1 << 20;
constexpr int64_t kMostMegabytes = INT64_MAX / kMegabyte;

std::string not_positive(std::string_view what, int64_t value) {
  return "invalid audit " + std::string(what) + " " + std::to_string(value) +
         ", must be a positive number";
}

void check_batch(const Options& options, std::vector<std::string>& found) {
  if (std::ranges::find(kModes, options.log_mode) == std::end(kModes)) {
    found.push_back("invalid audit log mode " + options.log_mode +
                    ", allowed modes are \"batch,blocking,blocking-strict\"");
  } else if (options.log_mode != "batch") {
    return;
  } else if (options.batch_buffer_size <= 0) {
    found.push_back(not_positive("batch log buffer size", options.batch_buffer_size));
  } else if (options.batch_max_size <= 0) {
    found.push_back(not_positive("batch log max batch size", options.batch_max_size));
  }
}

void check_truncate(const Options& options, std::vector<std::string>& found) {
  if (options.truncate_max_event_size <= 0) {
    found.push_back(not_positive("truncate log max event size", options.truncate_max_event_size));
  } else if (options.truncate_max_batch_size < options.truncate_max_event_size) {
    found.push_back("invalid audit truncate log max batch size " +
                    std::to_string(options.truncate_max_batch_size) +
                    ", must be greater than max event size (" +
                    std::to_string(options.truncate_max_event_size) + ")");
  }
}

void check_version(const std::string& version, std::vector<std::string>& found) {
  if (version == "audit.k8s.io/v1") return;
  bool odd = std::ranges::count(version, '/') > 1;
  found.push_back(odd ? "unexpected GroupVersion string: " + version
                      : "invalid group version, allowed versions are [\"audit.k8s.io/v1\"]");
}

BackendOptions backend_options(const Options& options) {
  BackendOptions out;
  auto mode = std::ranges::find(kModes, options.log_mode) - std::begin(kModes);
  out.mode = static_cast<Mode>(mode);
  out.format = options.log_format == "legacy" ? Format::kLegacy : Format::kJson;
  out.buffer_size = static_cast<size_t>(options.batch_buffer_size);
  if (out.mode == Mode::kBatch) out.batch_max_size = static_cast<size_t>(options.batch_max_size);
  out.batch_max_wait = options.batch_max_wait;
  if (options.truncate_enabled) {
    out.max_event_bytes = static_cast<size_t>(options.truncate_max_event_size);
  }
  return out;
}

// A log that can't be opened is told at the start.
Result<void> ensure_log_file(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    if (auto made = os::make_dirs(path.substr(0, slash), 0700); !made) return made;
  }
  auto file = os::AppendFile::open(path, 0600);
  if (!file) return ApiStatus::internal("ensureLogFile: " + file.error().message());
  return {};
}

Result<std::unique_ptr<Sink>> make_sink(const Options& options, const Clock& clock) {
  if (options.log_path == "-") {
    TIPHYS_TRY(os::AppendFile, out, os::AppendFile::standard_output());
    return std::unique_ptr<Sink>(std::make_unique<StandardOutput>(std::move(out)));
  }
  if (auto there = ensure_log_file(options.log_path); !there) return there.error();
  RotationOptions rotation;
  rotation.path = options.log_path;
  int64_t size = options.log_max_size == 0 ? kDefaultMaxSize : options.log_max_size;
  rotation.max_bytes = std::min(size, kMostMegabytes) * kMegabyte;
  rotation.max_backups = options.log_max_backup;
  rotation.max_age_days = options.log_max_age;
  rotation.compress = options.log_compress;
  return std::unique_ptr<Sink>(std::make_unique<RotatingFile>(std::move(rotation), clock));
}

Result<Policy> load_policy(const std::string& path) {
  constexpr std::string_view kLoading = "loading audit policy file: ";
  auto text = os::read_file(path);
  if (!text) {
    return ApiStatus::bad_request(std::string(kLoading) + "failed to read file path " +
                                  go_quote(path) + ": " + text.error().message());
  }
  auto loaded = parse_policy(*text);
  if (!loaded) {
    return ApiStatus::bad_request(std::string(kLoading) + loaded.error().message() +
                                  ": from file " + path);
  }
  if (!loaded->problems.empty()) {
    LOG_WARNING("Audit policy contains errors, falling back to lenient decoding",
                {"err", "strict decoding error: " + join(loaded->problems, ", ")});
  }
  return std::move(loaded->policy);
}

}  // namespace

std::vector<std::string> faults(const Options& options) {
  std::vector<std::string> found;
  if (options.log_path.empty()) return found;
  check_batch(options, found);
  check_truncate(options, found);
  check_version(options.log_version, found);
  if (options.log_format != "json" && options.log_format != "legacy") {
    found.push_back("invalid audit log format " + options.log_format +
                    ", allowed formats are \"legacy,json\"");
  }
  std::pair<std::string_view, int64_t> numbers[] = {{"maxage", options.log_max_age},
                                                    {"maxbackup", options.log_max_backup},
                                                    {"maxsize", options.log_max_size}};
  for (const auto& [name, value] : numbers) {
    if (value >= 0) continue;
    found.push_back("--audit-log-" + std::string(name) + " " + std::to_string(value) +
                    " can't be a negative number");
  }
  return found;
}

Result<std::shared_ptr<Auditor>> make_auditor(const Options& options, Loop& loop, WorkerPool& pool,
                                              const Clock& file_clock) {
  std::optional<Policy> policy;
  if (!options.policy_file.empty()) {
    TIPHYS_TRY(Policy, loaded, load_policy(options.policy_file));
    policy = std::move(loaded);
  }
  if (options.log_path.empty()) return std::shared_ptr<Auditor>();
  TIPHYS_TRY(std::unique_ptr<Sink>, sink, make_sink(options, file_clock));
  if (!policy) {
    LOG_V(2, "No audit policy file provided, no events will be recorded for log backend");
    return std::shared_ptr<Auditor>();
  }
  auto backend = std::make_shared<Backend>(loop, pool, std::move(sink), backend_options(options));
  return std::make_shared<Auditor>(std::move(*policy), std::move(backend), loop);
}

}  // namespace tiphys::apiserver::audit
