// StaticPodUrl: reads the static pods that a URL shows, a Pod or a PodList, again and again. After
// upstream's pkg/kubelet/config/http.go.
//
// Loop thread only. Whatever goes wrong is said in the log, the first few times in a row, and
// leaves the pods as they are. A request ends after 10 s, what is read is bounded
// (kMaxManifestBytes), redirects are followed up to kMaxRedirects; headers with credentials go to
// the URL's own host only. Servers of https are checked by the system's roots.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "kubelet/options.h"
#include "kubelet/pods/static_pod.h"
#include "kubelet/probes/http_action.h"

namespace tiphys::kubelet {

class StaticPodUrl {
 public:
  // All pods there are now; also once if there is nothing at all.
  using Changed = std::function<void(std::vector<ObjectPtr>)>;
  StaticPodUrl(EpollLoop& loop, const Options& options);
  // Nothing happens without a URL.
  void start(Changed changed);
  Task<void> stop();

 private:
  Task<void> run();
  Task<Result<void>> look();
  Task<Result<std::string>> fetch(StopToken stop);
  Result<void> take(std::string text);
  void tell(const Result<void>& looked);

  EpollLoop& loop_;
  const Options& options_;
  Changed changed_;
  Gate gate_;
  StopSource stop_;
  std::string text_;  // as it was last
  int failures_ = 0;  // in a row
};

// The headers of a request for it. `first`: where the URL itself leads.
net::Request static_pod_request(const HttpTarget& at, const HttpTarget& first,
                                const Options& options);

}  // namespace tiphys::kubelet
