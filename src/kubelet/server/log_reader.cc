#include "kubelet/server/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

// In the words of upstream's server.
ApiStatus undecodable() {
  return ApiStatus::bad_request(R"({"message": "Unable to decode query."})");
}
ApiStatus invalid() { return {422, "Invalid", R"({"message": "Invalid request."})"}; }

Result<int64_t> parse_count(std::string_view text, int64_t least) {
  std::optional<int64_t> value = parse_int(text);
  if (!value) return undecodable();
  if (*value < least) return invalid();
  return *value;
}

// As Go's conversion of query parameters: a name alone is true.
bool is_true(std::string_view text) { return text != "0" && !equals_ignore_case(text, "false"); }

Result<void> apply_stream(const std::string& value) {
  if (value == "All") return {};
  if (value != "Stdout" && value != "Stderr") return invalid();
  return ApiStatus::bad_request("unable to return the given log stream: " + go_quote(value) +
                                ". Please enable PodLogsQuerySplitStreams feature gate in kubelet");
}

Result<void> apply(LogOptions& out, const std::string& name, const std::string& value,
                   MicroTime now) {
  if (name == "follow") out.follow = is_true(value);
  if (name == "previous") out.previous = is_true(value);
  if (name == "timestamps") out.timestamps = is_true(value);
  if (name == "stream") return apply_stream(value);
  if (name == "tailLines" || (name == "tail" && value != "all" && !value.empty())) {
    TIPHYS_TRY(int64_t, lines, parse_count(value, 0));
    out.tail_lines = lines;
  } else if (name == "limitBytes") {
    TIPHYS_TRY(int64_t, bytes, parse_count(value, 1));
    out.limit_bytes = bytes;
  } else if (name == "sinceSeconds") {
    TIPHYS_TRY(int64_t, seconds, parse_count(value, 1));
    if (out.since != 0) return invalid();
    out.since = now - std::min<int64_t>(seconds, 10'000'000'000) * kMicrosPerSecond;
  } else if (name == "sinceTime") {
    Result<MicroTime> since = parse_rfc3339(value);
    if (!since) return undecodable();
    if (out.since != 0) return invalid();
    out.since = *since;
  }
  return {};
}

}  // namespace

Result<LogOptions> parse_log_options(std::string_view query, MicroTime now) {
  LogOptions out;
  for (std::string_view pair : split(query, '&')) {
    if (pair.empty()) continue;
    size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value =
        percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value) return undecodable();
    Result<void> applied = apply(out, *name, *value, now);
    if (!applied) return applied.error();
  }
  return out;
}

LogReader::LogReader(LogFile file, os::Fd fd, std::string path, LogOptions options)
    : file_(std::move(file)),
      fd_(std::move(fd)),
      path_(std::move(path)),
      options_(options),
      left_(options.limit_bytes) {}

Result<LogReader> LogReader::open(const std::string& path, LogOptions options) {
  Result<LogFile> file = find_log_file(path);
  Result<os::Fd> fd = file ? file->folder.open_file(file->name, O_RDONLY) : file.error();
  if (!fd) {
    return ApiStatus::internal("failed to try resolving symlinks in path \"" + path +
                               "\": " + fd.error().message());
  }
  struct stat info{};
  if (::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return ApiStatus::internal("log " + path + " is no regular file");
  }
  LogReader out(std::move(*file), std::move(*fd), path, options);
  if (options.tail_lines) {
    Result<void> found = out.seek_tail(*options.tail_lines);
    if (!found) return found.error();
  }
  return out;
}

// Finds where the last `lines` lines start, reading backwards.
Result<void> LogReader::seek_tail(int64_t lines) {
  off_t end = ::lseek(fd_.get(), 0, SEEK_END);
  if (end < 0) return ApiStatus::os_error("seek " + path_, errno);
  offset_ = end;
  if (lines == 0) return {};
  std::string chunk;
  int64_t seen = 0;
  int64_t at = end;
  while (at > 0) {
    auto size = static_cast<size_t>(std::min<int64_t>(at, kChunk));
    chunk.resize(size);
    at -= static_cast<int64_t>(size);
    if (::pread(fd_.get(), chunk.data(), size, at) != static_cast<ssize_t>(size)) break;
    for (size_t i = size; i-- > 0;) {
      bool last_byte = at + static_cast<int64_t>(i) == end - 1;
      if (chunk[i] != '\n' || last_byte) continue;
      if (++seen == lines) {
        offset_ = at + static_cast<int64_t>(i) + 1;
        return {};
      }
    }
  }
  offset_ = 0;
  return {};
}

Result<std::string> LogReader::read() {
  std::string out;
  while (out.empty() && !at_limit()) {
    std::string chunk(kChunk, '\0');
    ssize_t got = ::pread(fd_.get(), chunk.data(), chunk.size(), offset_);
    if (got < 0) return ApiStatus::os_error("read " + path_, errno);
    if (got == 0) break;
    offset_ += got;
    pending_.append(chunk, 0, static_cast<size_t>(got));
    take_lines(out);
  }
  return out;
}

void LogReader::take_lines(std::string& out) {
  size_t start = 0;
  while (!at_limit()) {
    size_t end = pending_.find('\n', start);
    if (end == std::string::npos) break;
    std::string_view text(pending_.data() + start, end - start);
    if (std::optional<LogLine> line = parse_log_line(text)) emit(*line, out);
    start = end + 1;
  }
  pending_.erase(0, start);
  if (pending_.size() > kMaxLine)
    pending_.clear();  // no log line: what follows the next newline is
}

void LogReader::emit(const LogLine& line, std::string& out) {
  if (!mid_line_ && options_.since > 0) {
    Result<MicroTime> at = parse_rfc3339(line.stamp);
    skipping_ = at && *at < options_.since;
  }
  std::string text;
  if (options_.timestamps && !mid_line_) text = std::string(line.stamp) + " ";
  text += line.content;
  if (!line.partial) text += '\n';
  mid_line_ = line.partial;
  if (skipping_) return;
  if (left_) {
    if (static_cast<int64_t>(text.size()) > *left_) text.resize(static_cast<size_t>(*left_));
    *left_ -= static_cast<int64_t>(text.size());
  }
  out += text;
}

bool LogReader::was_replaced() const {
  return file_.folder.bytes(file_.name) >= 0 && !file_.folder.is(file_.name, fd_);
}

}  // namespace tiphys::kubelet
