// What a request for a stream asks for, and where the runtime serves it. Pure.
// Upstream: kubelet/pkg/cri/streaming/{remotecommand,portforward} (NewOptions, NewV4Options).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kubelet/runtime/runtime.h"
#include "net/http.h"

namespace tiphys::kubelet {

struct StreamingRequest {
  enum class Kind { kExec, kAttach, kPortForward, kRun };
  Kind kind = Kind::kExec;
  std::string ns;
  std::string pod;
  std::string uid;  // "": whichever pod has the name
  std::string container;
  std::vector<std::string> command;
  StreamFlags streams;
  std::vector<int32_t> ports;  // of WebSockets; SPDY names them in its streams
};

// Nothing: the path (decoded segments) is none of exec, attach, portForward and run.
std::optional<StreamingRequest> streaming_path(const std::vector<std::string>& segments);
// Adds what the query says. Error: BadRequest.
Result<void> add_streaming_options(const net::Request& request, StreamingRequest& what);

// A URL of the runtime's streaming server.
struct StreamingPlace {
  std::string address;  // "127.0.0.1:40123"
  std::string path;
  std::string query;
};
// Error: not "http://" and a numeric address with a port: nothing else is dialled.
Result<StreamingPlace> streaming_place(std::string_view url);

}  // namespace tiphys::kubelet
