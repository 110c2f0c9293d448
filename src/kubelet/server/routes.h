// What a request to the kubelet's server is for, or why it is refused, by path and method, as
// upstream's server (pkg/kubelet/server: NewServer and its Install functions) has its handlers.
// Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/options.h"
#include "net/http.h"

namespace tiphys::kubelet {

enum class Route : uint8_t {
  kNone,
  kHealthz,
  kPods,
  kSummary,
  kMetrics,
  kStreaming,  // exec, attach, portForward, run
  kContainerLogs,
  kRunningPods,
  kLogs,
  kProfiles,
  kVerbosity,
  kConfigz,
  kCheckpoint,
};

struct Routed {
  Route route = Route::kNone;
  std::vector<std::string> parts;        // the path's segments, decoded
  std::optional<net::Response> refusal;  // 404, 405; then there is nothing more to do
};
// read_only: of the port without authentication, which has no debugging handlers.
Routed route_of(std::string_view path, std::string_view method, const Options& options,
                bool read_only);

}  // namespace tiphys::kubelet
