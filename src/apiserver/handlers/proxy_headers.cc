#include "apiserver/handlers/proxy_headers.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// Header names are lower case in net/.
constexpr std::string_view kHopByHop[] = {"connection",
                                          "proxy-connection",
                                          "keep-alive",
                                          "te",
                                          "trailer",
                                          "proxy-authenticate",
                                          "transfer-encoding",
                                          "upgrade",
                                          "proxy-authorization"};
constexpr std::string_view kFraming[] = {"content-length", "host", "expect"};
constexpr std::string_view kIdentity = "authorization";
constexpr std::string_view kIdentityPrefixes[] = {"impersonate-", "x-remote-"};
constexpr std::string_view kProtocols = "sec-websocket-protocol";
constexpr std::string_view kForwardedFor = "x-forwarded-for";

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != std::ranges::end(list);
}

// The headers that Connection names: they end here too.
std::vector<std::string> connection_headers(const net::Headers& headers) {
  std::vector<std::string> names;
  for (const auto& entry : headers.entries()) {
    if (entry.name != "connection") continue;
    for (std::string_view token : split(entry.value, ',')) names.push_back(to_lower(trim(token)));
  }
  return names;
}

bool tells_identity(std::string_view name) {
  bool prefixed = std::ranges::any_of(
      kIdentityPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
  return prefixed || name == kIdentity;
}

std::string host_of(std::string_view remote_address) {
  std::string_view host = remote_address.substr(0, remote_address.rfind(':'));
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

void add_client(net::Headers& headers, std::string chain, std::string_view remote_address) {
  std::string client = host_of(remote_address);
  if (client.empty()) return;
  headers.set(kForwardedFor, chain.empty() ? client : chain + ", " + client);
}

}  // namespace

net::Headers forwarded_request_headers(const net::Headers& headers, std::string_view remote_address,
                                       bool upgrade) {
  net::Headers out;
  std::vector<std::string> named = connection_headers(headers);
  std::string chain;
  for (const auto& entry : headers.entries()) {
    if (entry.name == kForwardedFor) {
      chain += (chain.empty() ? "" : ", ") + entry.value;
      continue;
    }
    bool of_connection = contains(kHopByHop, entry.name) || contains(named, entry.name);
    if (of_connection || contains(kFraming, entry.name) || tells_identity(entry.name)) continue;
    out.add(entry.name, entry.name == kProtocols ? net::without_token(entry.value) : entry.value);
  }
  if (upgrade) {
    out.set("connection", "Upgrade");
    out.set("upgrade", headers.get("upgrade"));
  }
  add_client(out, std::move(chain), remote_address);
  return out;
}

net::Headers forwarded_response_headers(const net::Headers& headers) {
  net::Headers out;
  std::vector<std::string> named = connection_headers(headers);
  for (const auto& entry : headers.entries()) {
    bool of_connection = contains(kHopByHop, entry.name) || contains(named, entry.name);
    if (of_connection || entry.name == "content-length") continue;
    out.add(entry.name, entry.value);
  }
  return out;
}

}  // namespace tiphys::apiserver
