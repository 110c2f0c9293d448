// Streaming: exec, attach and port-forward into containers, and run. The runtime's streaming server
// does the work: it is asked for a URL, and the client's upgraded connection is passed on to it
// byte for byte. The URL stays here: clients never see it.
//
// Loop thread only. What it references outlives it.
// Upstream: pkg/kubelet/server (getExec, getAttach, getPortForward, getRun).
#pragma once
#include <string>
#include <vector>

#include "async/epoll_loop.h"
#include "kubelet/options.h"
#include "kubelet/pods/pod_manager.h"
#include "kubelet/server/streaming_request.h"
#include "net/http.h"

namespace tiphys::kubelet {

class Streaming {
 public:
  Streaming(EpollLoop& loop, Runtime& runtime, PodManager& pods, const Options& options)
      : loop_(loop), runtime_(runtime), pods_(pods), options_(options) {}
  // Answers 101, or why not, in upstream's words.
  Task<net::Response> answer(net::Request request, StreamingRequest what);

 private:
  Task<Result<std::string>> url_of(StreamingRequest what);
  Task<net::Response> run(StreamingRequest what);
  Task<net::Response> pass_on(net::Request request, std::string url);

  EpollLoop& loop_;
  Runtime& runtime_;
  PodManager& pods_;
  const Options& options_;
};

}  // namespace tiphys::kubelet
