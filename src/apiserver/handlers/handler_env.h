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

// serviceaccounts/token: gets the TokenRequest and the service account.
using TokenHandler = std::function<Task<Result<ObjectPtr>>(ObjectPtr service_account,
                                                           Draft token_request, UserInfo user)>;

// Sends a request to the kubelet of a node ("10.0.0.5", 10250): path and query as the kubelet
// serves them ("/containerLogs/ns/pod/container?follow=true"). The body comes as a stream.
struct KubeletRequest {
  std::string host;
  uint16_t port = 10250;
  net::Request request;
};
using KubeletConnector = std::function<Task<Result<net::Response>>(KubeletRequest, StopToken)>;

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
  KubeletConnector kubelet;
};

}  // namespace tiphys::apiserver
