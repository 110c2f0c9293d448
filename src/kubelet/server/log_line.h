// One line of a CRI log file: "2026-11-23T19:54:04.04228572Z stderr F text". Pure; input is hostile
// (containers write it): anything malformed is no line.
// Format: design-proposals kubelet-cri-logging.
#pragma once
#include <optional>
#include <string_view>

#include "base/time.h"

namespace tiphys::kubelet {

struct LogLine {
  std::string_view stamp;  // as it was written
  bool is_stderr = false;
  bool partial = false;      // the line goes on in the next one
  std::string_view content;  // without the newline
};
// text: without its newline.
std::optional<LogLine> parse_log_line(std::string_view text);

}  // namespace tiphys::kubelet
