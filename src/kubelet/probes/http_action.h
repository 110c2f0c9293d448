// The HTTP request of a probe or hook, and where its redirects lead. Pure. After upstream's
// pkg/probe/http.
#pragma once
#include <optional>
#include <string>

#include "kinds/core_v1.h"
#include "net/http.h"

namespace tiphys::kubelet {

// A URL in its parts.
struct HttpTarget {
  bool tls = false;
  std::string host;  // without brackets
  uint16_t port = 80;
  std::string path = "/";
  std::string query;
  bool operator==(const HttpTarget&) const = default;

  std::string address() const;  // "host:port"
  std::string url() const;      // with path and query
};

HttpTarget http_target(core_v1::HTTPGetAction action, const std::string& host, uint16_t port);
// Where a Location header leads from there; nothing: not to HTTP.
std::optional<HttpTarget> follow_location(const HttpTarget& from, std::string_view location);
// user_agent and "accept: */*" unless the action has its own; a header "Host" is the authority.
net::Request http_request(const HttpTarget& target, core_v1::HTTPGetAction action,
                          const std::string& user_agent);

}  // namespace tiphys::kubelet
