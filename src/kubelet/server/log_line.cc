#include "kubelet/server/log_line.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxStamp = 64;

std::optional<std::string_view> take_word(std::string_view& text) {
  size_t end = text.find(' ');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  std::string_view word = text.substr(0, end);
  text.remove_prefix(end + 1);
  return word;
}

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view text) {
  LogLine out;
  std::optional<std::string_view> stamp = take_word(text);
  if (!stamp || stamp->size() > kMaxStamp || (*stamp)[0] < '0' || (*stamp)[0] > '9')
    return std::nullopt;
  out.stamp = *stamp;
  std::optional<std::string_view> stream = take_word(text);
  if (!stream || (*stream != "stdout" && *stream != "stderr")) return std::nullopt;
  out.is_stderr = *stream == "stderr";
  // Tags are joined by ':'; the first says whether the line is full.
  size_t end = text.find(' ');
  std::string_view tags = text.substr(0, end);
  std::string_view tag = tags.substr(0, tags.find(':'));
  if (tag != "F" && tag != "P") return std::nullopt;
  out.partial = tag == "P";
  out.content = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return out;
}

}  // namespace tiphys::kubelet
