#include "base/log.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "base/strings.h"

namespace tiphys {
namespace {

std::atomic<int> verbosity{0};

std::string header(LogLevel level, const char* file, int line) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[160];
  snprintf(text, sizeof(text), "%c%02d%02d %02d:%02d:%02d.%06ld %7ld %s:%d] ",
           static_cast<char>(level), parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
           parts.tm_sec, now.tv_nsec / 1000, static_cast<long>(syscall(SYS_gettid)), file, line);
  return text;
}

}  // namespace

void set_log_verbosity(int level) { verbosity.store(level, std::memory_order_relaxed); }
int log_verbosity() { return verbosity.load(std::memory_order_relaxed); }

void log_line(LogLevel level, const char* file, int line, std::string_view message,
              std::initializer_list<LogField> fields) {
  std::string out = header(level, file, line);
  out += go_quote(message);
  for (const LogField& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    out += go_quote(field.value);
  }
  out += '\n';
  // A lost log line is not worth a failure.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, out.data(), out.size());
}

}  // namespace tiphys
