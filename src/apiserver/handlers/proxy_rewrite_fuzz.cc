// Pages and links of a hostile backend, and paths of hostile clients: rewriting ends, text without
// markup is left alone, no link vanishes, and a path stays below the root.
#include <cstdint>
#include <cstdlib>

#include "apiserver/handlers/proxy_rewrite.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiphys::apiserver;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const ProxyPlace place{"/api/v1/nodes/n/proxy", "10.0.0.5:80", "api"};
  std::string page = rewrite_html(place, text);
  bool plain = text.find('<') == std::string_view::npos;
  if (plain && page != text) std::abort();
  std::string link = rewrite_link(place, text);
  if (!text.empty() && link.empty()) std::abort();
  std::string path = backend_path(text);
  if (!path.starts_with('/') || (path + "/").find("/../") != std::string::npos) std::abort();
  return 0;
}
