#include "kubelet/pods/termination_message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "kubelet/logs/log_file.h"
#include "kubelet/server/log_line.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

// The last bytes of a regular file.
std::string tail_of(const os::Fd& fd, size_t bytes) {
  struct stat info{};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  off_t size = info.st_size;
  off_t start = std::max<off_t>(size - static_cast<off_t>(bytes), 0);
  std::string out(bytes, '\0');
  ssize_t got = ::pread(fd.get(), out.data(), out.size(), start);
  out.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return out;
}

std::string clean(std::string text) {
  if (is_valid_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

std::string log_tail(const std::string& path) {
  // Each line has a stamp in front: read more than is kept.
  Result<LogFile> log = find_log_file(path);
  Result<os::Fd> fd = log ? log->folder.open_file(log->name, O_RDONLY) : log.error();
  std::string text = fd ? tail_of(*fd, 4 * kMaxMessageLogBytes) : "";
  std::string out;
  size_t lines = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    size_t end = rest.find('\n');
    if (std::optional<LogLine> line = parse_log_line(rest.substr(0, end))) {
      out += line->content;
      if (!line->partial) out += '\n';
      ++lines;
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  while (lines > kMaxMessageLogLines) {
    size_t end = out.find('\n');
    if (end == std::string::npos) break;
    out.erase(0, end + 1);
    --lines;
  }
  if (out.size() > kMaxMessageLogBytes) out.erase(0, out.size() - kMaxMessageLogBytes);
  return out;
}

}  // namespace

std::string read_termination_message(const std::string& message_path, const std::string& log_path) {
  std::string out;
  if (!message_path.empty()) {
    // A container must not make us follow links or block.
    os::Fd fd(::open(message_path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    out = tail_of(fd, kMaxMessageBytes);
  }
  if (out.empty() && !log_path.empty()) out = log_tail(log_path);
  return clean(std::move(out));
}

}  // namespace tiphys::kubelet
