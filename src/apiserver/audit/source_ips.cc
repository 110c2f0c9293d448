#include "apiserver/audit/source_ips.h"

#include <algorithm>

#include "apiserver/validation/ip_checks.h"
#include "base/strings.h"

namespace tiphys::apiserver::audit {
namespace {

std::string_view host_of(std::string_view address) {
  size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return address;
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host.find(':') == std::string_view::npos ? host : address;
}

}  // namespace

std::vector<std::string> source_ips(const net::Headers& headers, std::string_view remote_address) {
  std::vector<IpAddress> found;
  for (std::string_view part : split(headers.get("x-forwarded-for"), ',')) {
    if (auto address = parse_ip(trim(part))) found.push_back(*address);
  }
  auto real = parse_ip(headers.get("x-real-ip"));
  if (real && std::ranges::find(found, *real) == found.end()) found.push_back(*real);
  auto remote = parse_ip(host_of(remote_address));
  if (remote && (found.empty() || !(found.back() == *remote))) found.push_back(*remote);
  std::vector<std::string> texts;
  texts.reserve(found.size());
  for (const IpAddress& address : found) texts.push_back(canonical_text(address));
  return texts;
}

}  // namespace tiphys::apiserver::audit
