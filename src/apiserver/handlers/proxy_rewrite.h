// Links in proxied answers: what points into the backend comes to point through the proxy. Pure;
// the input is hostile. Upstream: apimachinery/pkg/util/proxy/transport.go.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::apiserver {

struct ProxyPlace {
  std::string prefix;   // path up to the proxied part: "/api/v1/namespaces/a/pods/b/proxy"
  std::string backend;  // "10.0.0.5:80"
  std::string host;     // the Host that the client asked
};

// A link of a page of the backend, for the client. Links to other hosts, relative ones and what is
// no URL stay as they are.
std::string rewrite_link(const ProxyPlace& place, std::string_view link);
// HTML with its links rewritten (the attributes that HTML 4 and 5 know to hold URLs). Comments,
// scripts, styles and everything else stay byte for byte.
std::string rewrite_html(const ProxyPlace& place, std::string_view html);

// The path of a proxied request as the backend gets it: decoded path in, "." and ".." resolved and
// never above the root, escaped again. Keeps a slash at the end.
std::string backend_path(std::string_view decoded);

}  // namespace tiphys::apiserver
