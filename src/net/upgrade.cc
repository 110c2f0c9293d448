#include "net/upgrade.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::net {
namespace {

constexpr std::string_view kBearerProtocol = "base64url.bearer.authorization.k8s.io.";

}  // namespace

bool is_upgrade_request(const Headers& headers) {
  return std::ranges::any_of(headers.entries(), [](const auto& entry) {
    return entry.name == "connection" && to_lower(entry.value).find("upgrade") != std::string::npos;
  });
}

std::string without_token(std::string_view protocols) {
  std::vector<std::string> kept;
  for (std::string_view item : split(protocols, ',')) {
    if (!trim(item).starts_with(kBearerProtocol)) kept.emplace_back(trim(item));
  }
  return join(kept, ", ");
}

}  // namespace tiphys::net
