// Streaming: exec, attach and port-forward into containers, and run. The runtime's streaming server
// does the work: it is asked for a URL, and the client's upgraded connection is passed on to it
// byte for byte. The URL stays here: clients never see it. What runs, the runtime is asked each
// time: right after a start no worker has looked at its pod yet.
//
// Loop thread only. What it references outlives it.
// Upstream: pkg/kubelet/server (getExec, getAttach, getPortForward, getRun).
#pragma once
#include <functional>
#include <string>

#include "async/epoll_loop.h"
#include "kubelet/options.h"
#include "kubelet/runtime/runtime.h"
#include "kubelet/server/streaming_request.h"
#include "net/http.h"

namespace tiphys::kubelet {

class Streaming {
 public:
  // By namespace and name; null: this node has no such pod.
  using FindPod = std::function<ObjectPtr(const std::string& ns, const std::string& name)>;

  Streaming(EpollLoop& loop, Runtime& runtime, FindPod find_pod, const Options& options)
      : loop_(loop), runtime_(runtime), find_pod_(std::move(find_pod)), options_(options) {}
  // Answers 101, or why not, in upstream's words.
  Task<net::Response> answer(net::Request request, StreamingRequest what);

 private:
  Task<Result<std::string>> url_of(ObjectPtr pod, StreamingRequest what);
  // Its id.
  Task<Result<std::string>> running_container(ObjectPtr pod, StreamingRequest what);
  Task<Result<std::string>> port_forward_url(ObjectPtr pod, StreamingRequest what);
  Task<net::Response> run(ObjectPtr pod, StreamingRequest what);
  Task<net::Response> pass_on(net::Request request, std::string url);

  EpollLoop& loop_;
  Runtime& runtime_;
  FindPod find_pod_;
  const Options& options_;
};

}  // namespace tiphys::kubelet
