// klog-style logging to standard error: `I1123 19:20:01.123456    4242 server.cc:42] "message"
// key="value"`.
//
// Thread-safe; a line is one write(2). Verbosity as upstream's -v. Never log a credential.
//   LOG_INFO("Created pod", {"pod", name}, {"node", node});      LOG_ERROR("Failed", {"err", e});
//   LOG_V(4, "Syncing", {"key", key});
#pragma once
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/status.h"

namespace tiphys {

enum class LogLevel : char { kInfo = 'I', kWarning = 'W', kError = 'E' };

struct LogField {
  std::string_view key;
  std::string value;
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  template <std::integral T>
  LogField(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, double v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, const ApiStatus& v) : key(k), value(v.message()) {}
};

void set_log_verbosity(int level);
int log_verbosity();
void log_line(LogLevel level, const char* file, int line, std::string_view message,
              std::initializer_list<LogField> fields);

}  // namespace tiphys

#define LOG_INFO(message, ...) \
  ::tiphys::log_line(::tiphys::LogLevel::kInfo, __FILE_NAME__, __LINE__, message, {__VA_ARGS__})
#define LOG_WARNING(message, ...) \
  ::tiphys::log_line(::tiphys::LogLevel::kWarning, __FILE_NAME__, __LINE__, message, {__VA_ARGS__})
#define LOG_ERROR(message, ...) \
  ::tiphys::log_line(::tiphys::LogLevel::kError, __FILE_NAME__, __LINE__, message, {__VA_ARGS__})
#define LOG_V(level, message, ...)                                            \
  do {                                                                        \
    if (::tiphys::log_verbosity() >= (level)) LOG_INFO(message, __VA_ARGS__); \
  } while (false)
