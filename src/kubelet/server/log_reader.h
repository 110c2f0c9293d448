// LogReader: a container's CRI log file as kubectl logs shows it, chunk by chunk.
//
// The class is a blocking reader for one thread at a time (pool); memory is bounded: at most kChunk
// read at once and one line of kMaxLine kept. File content is hostile. Options: PodLogOptions.
#pragma once
#include <optional>
#include <string>

#include "base/result.h"
#include "kubelet/logs/log_file.h"
#include "kubelet/server/log_line.h"
#include "os/files.h"

namespace tiphys::kubelet {

struct LogOptions {
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::optional<int64_t> tail_lines;
  std::optional<int64_t> limit_bytes;
  MicroTime since = 0;  // 0: from the start
};
// From a query string ("follow=true&tailLines=5"; also "tail", which may be "all"). Errors, in the
// words of upstream's server: 400, it can't be decoded; 422, a value or two together aren't valid.
Result<LogOptions> parse_log_options(std::string_view query, MicroTime now);

class LogReader {
 public:
  static constexpr size_t kChunk = 64 * 1024;
  static constexpr size_t kMaxLine = 1024 * 1024;

  // Error: the file isn't there, or a link leads to it.
  static Result<LogReader> open(const std::string& path, LogOptions options);
  // The next output; "" if there is nothing more now.
  Result<std::string> read();
  // limitBytes are written.
  bool at_limit() const { return left_ && *left_ == 0; }
  std::optional<int64_t> bytes_left() const { return left_; }
  // The log was rotated: the path names another file by now.
  bool was_replaced() const;

 private:
  LogReader(LogFile file, os::Fd fd, std::string path, LogOptions options);
  Result<void> seek_tail(int64_t lines);
  void take_lines(std::string& out);
  void emit(const LogLine& line, std::string& out);

  LogFile file_;
  os::Fd fd_;
  std::string path_;
  LogOptions options_;
  int64_t offset_ = 0;
  std::string pending_;
  bool mid_line_ = false;  // the line before was partial
  bool skipping_ = false;  // older than `since`
  std::optional<int64_t> left_;
};

}  // namespace tiphys::kubelet
