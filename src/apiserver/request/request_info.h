// RequestInfo: what a request asks for, read off its method, path and query, as upstream's
// k8s.io/apiserver/pkg/endpoints/request.RequestInfoFactory does. Pure.
#pragma once
#include <string>
#include <string_view>

#include "apiserver/user.h"
#include "base/result.h"

namespace tiphys::apiserver {

struct RequestInfo {
  bool is_resource = false;
  std::string path;        // percent-decoded
  std::string verb;        // get list watch create ...; lower case HTTP method if not a resource
  std::string api_prefix;  // "api" or "apis"
  std::string group;
  std::string version;
  std::string ns;
  std::string resource;
  std::string subresource;
  std::string name;
  bool watch_prefix = false;  // the deprecated /watch/ path
  int parts = 0;              // path parts from the resource on (1 collection, 2 object, 3 sub...)
  std::string rest;           // what follows the third part ("a/b"): proxy paths

  Attributes attributes() const;
  // True for subresources that connect the client to something else: exec, attach, portforward,
  // proxy. They take any method that they know and aren't negotiated.
  bool is_connect() const;
};

// Errors: BadRequest for bytes that are no percent-encoding.
// `encoded_slash` tells that a path part held an encoded slash: routes then never match.
struct ParsedRequest {
  RequestInfo info;
  bool encoded_slash = false;
};
Result<ParsedRequest> parse_request_info(std::string_view method, std::string_view raw_path,
                                         std::string_view raw_query);

}  // namespace tiphys::apiserver
