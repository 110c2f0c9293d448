#include "kubelet/probes/http_action.h"

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

void set_path(HttpTarget& target, std::string_view text) {
  text = text.substr(0, text.find('#'));
  size_t question = text.find('?');
  target.path = std::string(text.substr(0, question));
  target.query = question == std::string_view::npos ? "" : std::string(text.substr(question + 1));
  if (!target.path.starts_with('/')) target.path = "/" + target.path;
}

// "host", "host:port", "[v6]:port"; false: that is none.
bool set_authority(HttpTarget& target, std::string_view text) {
  target.port = target.tls ? 443 : 80;
  size_t colon = text.rfind(':');
  size_t bracket = text.find(']');
  bool v6 = text.starts_with('[');
  if (v6 && bracket == std::string_view::npos) return false;
  std::string_view host = text;
  if (colon != std::string_view::npos && (!v6 || colon > bracket)) {
    std::optional<int64_t> port = parse_int(text.substr(colon + 1));
    if (!port || *port <= 0 || *port > 65535) return false;
    target.port = static_cast<uint16_t>(*port);
    host = text.substr(0, colon);
  }
  target.host = std::string(v6 ? host.substr(1, bracket - 1) : host);
  return !target.host.empty();
}

}  // namespace

std::string HttpTarget::address() const {
  bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string HttpTarget::url() const {
  return (tls ? "https://" : "http://") + address() + path + (query.empty() ? "" : "?" + query);
}

HttpTarget http_target(core_v1::HTTPGetAction action, const std::string& host, uint16_t port) {
  HttpTarget out;
  out.tls = equals_ignore_case(action.scheme(), "https");
  out.host = host;
  out.port = port;
  set_path(out, action.path());
  return out;
}

std::optional<HttpTarget> follow_location(const HttpTarget& from, std::string_view location) {
  HttpTarget out = from;
  bool absolute = true;
  if (std::optional<std::string_view> rest = cut_prefix(location, "http://")) {
    out.tls = false;
    location = *rest;
  } else if (std::optional<std::string_view> secure = cut_prefix(location, "https://")) {
    out.tls = true;
    location = *secure;
  } else if (location.starts_with("//")) {
    location.remove_prefix(2);
  } else {
    absolute = false;
  }
  if (absolute) {
    size_t end = std::min(location.find_first_of("/?#"), location.size());
    if (!set_authority(out, location.substr(0, end))) return std::nullopt;
    set_path(out, location.substr(end));
    return out;
  }
  if (location.empty() || location.substr(0, location.find_first_of("/?#")).contains(':')) {
    return std::nullopt;
  }
  std::string base = from.path.substr(0, from.path.rfind('/') + 1);
  if (location.starts_with('/')) base.clear();
  if (location.starts_with('?')) base = from.path;
  set_path(out, base + std::string(location));
  return out;
}

net::Request http_request(const HttpTarget& target, core_v1::HTTPGetAction action,
                          const std::string& user_agent) {
  net::Request out;
  out.method = "GET";
  out.path = target.path;
  out.query = target.query;
  out.authority = target.address();
  for (core_v1::HTTPHeader header : action.http_headers()) {
    if (equals_ignore_case(header.name(), "host")) {
      if (!header.value().empty()) out.authority = std::string(header.value());
    } else {
      out.headers.add(header.name(), header.value());
    }
  }
  if (!out.headers.has("user-agent")) out.headers.add("user-agent", user_agent);
  if (!out.headers.has("accept")) out.headers.add("accept", "*/*");
  if (out.headers.get("accept").empty()) out.headers.remove("accept");
  return out;
}

}  // namespace tiphys::kubelet
