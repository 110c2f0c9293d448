// RequestContext: one request on its way through the stages. Lives in the frame of the coroutine
// that serves the request; stages and handlers get it by reference. Loop thread only.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "apiserver/audit/auditor.h"
#include "apiserver/request/query.h"
#include "apiserver/request/request_info.h"
#include "apiserver/response/negotiation.h"
#include "apiserver/user.h"
#include "async/stop.h"
#include "base/time.h"
#include "net/http.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

struct RequestContext {
  std::string method;
  RequestInfo info;
  bool encoded_slash = false;
  std::string raw_query;
  Query query;
  std::string content_type;
  std::string accept;
  std::string accept_encoding;
  std::string user_agent;
  net::Headers headers;        // these four for requests that are passed on (connects) only
  std::string raw_path;        // percent-encoded
  std::string authority;       // the Host that was asked
  std::string remote_address;  // "10.0.0.1:4242"
  std::string body;            // raw body, or
  std::shared_ptr<net::BodyStream> body_stream;  // of a proxied request, or
  ObjectPtr object;                              // the decoded one of an in-process request
  bool body_too_large = false;
  bool in_process = false;
  bool denied = false;  // by the authorizer
  UserInfo user;
  MediaType media;
  StopToken gone;  // the client went away, the server stops, or the time is up
  MicroTime now = 0;
  const schema::Resource* resource = nullptr;
  const schema::Subresource* subresource = nullptr;
  std::vector<std::string> warnings;           // texts of Warning headers
  std::shared_ptr<audit::RequestAudit> audit;  // null: the request is not audited

  // The namespace of the objects asked for. A request for a namespace carries the namespace itself
  // as the request's, but namespaces are in none.
  std::string_view object_namespace() const {
    return resource && resource->namespaced ? std::string_view(info.ns) : std::string_view();
  }
  // Where plugins tell the audit log something; null: nobody listens.
  audit::Annotations* audit_annotations() const { return audit ? &audit->annotations() : nullptr; }
};

}  // namespace tiphys::apiserver
