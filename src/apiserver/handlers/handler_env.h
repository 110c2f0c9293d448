// HandlerEnv: what the handlers of one API server work with. Owned by ApiServer.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "apiserver/authz/authorizer.h"
#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"
#include "apiserver/registry/registry.h"
#include "async/pool.h"
#include "net/http.h"

namespace tiphys::apiserver {

// Create of a resource that isn't stored (TokenReview, SubjectAccessReview...): gets the decoded,
// defaulted object in the request's version and gives the answer's object.
using ReviewHandler = std::function<Task<Result<ObjectPtr>>(
    const schema::Resource& resource, std::string ns, Draft object, UserInfo user)>;

// serviceaccounts/token: gets the TokenRequest and the service account; adds to the warnings.
using TokenHandler =
    std::function<Task<Result<ObjectPtr>>(ObjectPtr service_account, Draft token_request,
                                          UserInfo user, std::vector<std::string>* warnings)>;

// The server behind a proxied request. `host` is a numeric address.
struct ProxyTarget {
  bool kubelet = false;  // reached with the API server's own kubelet client certificate
  bool tls = false;
  std::string host;
  uint16_t port = 0;
};
struct ProxyRequest {
  ProxyTarget target;
  net::Request request;
  bool upgrade = false;  // the request asks to switch protocols
};
struct ProxyAnswer {
  net::Response response;                   // its body as a stream
  std::unique_ptr<net::ByteStream> stream;  // of an upgrade that was answered 101
};
// Sends a request to a kubelet, a pod or an endpoint. Redirects are not followed. Errors:
// "dial tcp 10.0.0.5:80: connect: connection refused".
using ProxyConnector = std::function<Task<Result<ProxyAnswer>>(ProxyRequest, StopToken)>;

// Why a pod is, or isn't, on a node: the PodPlacement of a stored pod.
using PlacementHandler = std::function<Task<Result<ObjectPtr>>(ObjectPtr pod)>;

class MetricsCollector;
struct StreamCounts;

struct HandlerEnv {
  Loop* loop = nullptr;
  WorkerPool* pool = nullptr;
  Random* random = nullptr;
  CacherHub* hub = nullptr;
  Registry* registry = nullptr;
  Authorizer* authorizer = nullptr;  // may be null
  Duration min_watch_timeout = std::chrono::seconds(1800);
  ReviewHandler review;
  TokenHandler token;
  ProxyConnector connect;  // may be null: nothing can be reached
  MetricsCollector* metrics = nullptr;
  PlacementHandler placement;  // may be null
  StreamCounts* streams = nullptr;
};

}  // namespace tiphys::apiserver
