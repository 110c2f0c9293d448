// A container's termination message: the end of its message file, else of its log. Blocks.
#pragma once
#include <string>

namespace tiphys::kubelet {

inline constexpr size_t kMaxMessageBytes = 4096;
inline constexpr size_t kMaxMessageLogBytes = 2048;
inline constexpr size_t kMaxMessageLogLines = 80;

// log_path "": no fallback. Bytes that aren't UTF-8 are replaced.
std::string read_termination_message(const std::string& message_path, const std::string& log_path);

}  // namespace tiphys::kubelet
