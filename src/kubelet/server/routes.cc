#include "kubelet/server/routes.h"

#include <algorithm>

#include "base/strings.h"
#include "kubelet/server/responses.h"

namespace tiphys::kubelet {
namespace {

// Where a handler is, and what there is instead when debugging handlers are off.
enum class Where : uint8_t { kAlways, kOrDisabled, kOrNothing };

struct Row {
  std::string_view root;  // the first segments of the path
  Route route;
  Where where;
  std::string_view methods;  // "": any
  size_t least = 1;          // segments
  size_t most = 1;
};
constexpr size_t kAny = SIZE_MAX;
constexpr Row kRows[] = {
    {"healthz", Route::kHealthz, Where::kAlways, "", 1, kAny},
    {"pods", Route::kPods, Where::kAlways, "GET"},
    {"stats/summary", Route::kSummary, Where::kAlways, "GET, POST", 2, 2},
    {"metrics", Route::kMetrics, Where::kAlways, "", 1, kAny},
    {"run", Route::kStreaming, Where::kOrDisabled, "POST", 4, 5},
    {"exec", Route::kStreaming, Where::kOrDisabled, "GET, POST", 4, 5},
    {"attach", Route::kStreaming, Where::kOrDisabled, "GET, POST", 4, 5},
    {"portForward", Route::kStreaming, Where::kOrDisabled, "GET, POST", 3, 4},
    {"containerLogs", Route::kContainerLogs, Where::kOrDisabled, "GET", 4, 4},
    {"runningpods", Route::kRunningPods, Where::kOrDisabled, "GET"},
    {"logs", Route::kLogs, Where::kOrDisabled, "GET", 1, kAny},
    {"debug/pprof", Route::kProfiles, Where::kOrDisabled, "GET", 2, kAny},
    {"debug/flags/v", Route::kVerbosity, Where::kOrNothing, "", 3, 3},
    {"configz", Route::kConfigz, Where::kOrNothing, ""},
    {"checkpoint", Route::kCheckpoint, Where::kOrNothing, "POST", 4, 4},
};

std::vector<std::string> path_parts(std::string_view path) {
  std::vector<std::string> out;
  for (std::string_view part : split(path, '/')) {
    if (part.empty()) continue;
    out.push_back(percent_decode(part, false).value_or(std::string(part)));
  }
  return out;
}

bool is_below(const std::vector<std::string>& parts, std::string_view root) {
  std::vector<std::string_view> wanted = split(root, '/');
  return parts.size() >= wanted.size() && std::equal(wanted.begin(), wanted.end(), parts.begin());
}

// One handler may be off by itself.
std::string_view disabled_text(Route route, const Options& options) {
  if (route == Route::kLogs && !options.enable_system_log_handler) {
    return "logs endpoint is disabled.\n";
  }
  if (route == Route::kProfiles && !options.enable_profiling_handler) {
    return "profiling endpoint is disabled.\n";
  }
  if (route == Route::kVerbosity && !options.enable_debug_flags_handler) {
    return "flags endpoint is disabled.\n";
  }
  return {};
}

bool allows(std::string_view methods, std::string_view method) {
  if (methods.empty()) return true;
  return std::ranges::any_of(split(methods, ','),
                             [&](std::string_view one) { return trim(one) == method; });
}

// go-restful's words.
net::Response no_method(std::string_view methods) {
  net::Response out = text_response(405, "405: Method Not Allowed");
  out.headers.add("allow", methods);
  return out;
}

std::optional<net::Response> refusal(const Row& row, size_t parts, std::string_view method,
                                     const Options& options, bool debugging) {
  if (row.where != Where::kAlways && !debugging) {
    if (row.where == Where::kOrNothing) return not_found_response();
    return text_response(405, "Debug endpoints are disabled.\n");
  }
  std::string_view disabled = disabled_text(row.route, options);
  if (!disabled.empty()) return text_response(405, std::string(disabled));
  if (parts < row.least || parts > row.most) return text_response(404, "404: Page Not Found");
  if (!allows(row.methods, method)) return no_method(row.methods);
  return std::nullopt;
}

}  // namespace

Routed route_of(std::string_view path, std::string_view method, const Options& options,
                bool read_only) {
  Routed out;
  out.parts = path_parts(path);
  auto row = std::ranges::find_if(kRows, [&](const Row& r) { return is_below(out.parts, r.root); });
  if (row == std::end(kRows)) {
    out.refusal = not_found_response();
    return out;
  }
  out.route = row->route;
  bool debugging = !read_only && options.enable_debugging_handlers;
  out.refusal = refusal(*row, out.parts.size(), method, options, debugging);
  return out;
}

}  // namespace tiphys::kubelet
