#include "main/request_header.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys {
namespace {

constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

std::vector<std::string> lowered(const std::vector<std::string>& names) {
  std::vector<std::string> made;
  for (const std::string& name : names) made.push_back(to_lower(name));
  return made;
}

std::string first_of(const std::vector<std::string>& names, const net::Headers& headers) {
  for (const std::string& name : lowered(names)) {
    std::string_view value = headers.get(name);
    if (!value.empty()) return std::string(value);
  }
  return "";
}

}  // namespace

void RequestHeaderFlags::add_to(FlagSet& flags) {
  flags.add("requestheader-client-ca-file", client_ca_file,
            "CA of the front proxy, whose headers name users (\"\": there is none)");
  flags.add("requestheader-allowed-names", allowed_names,
            "Common names of the front proxy's certificate (none: any)");
  flags.add("requestheader-username-headers", username_headers, "Headers that name the user");
  flags.add("requestheader-uid-headers", uid_headers, "Headers with the user's uid");
  flags.add("requestheader-group-headers", group_headers, "Headers with the user's groups");
  flags.add("requestheader-extra-headers-prefix", extra_prefixes,
            "How headers with more about the user begin");
}

Result<std::vector<crypto::Certificate>> certificates_of(std::string_view pem) {
  std::vector<crypto::Certificate> made;
  while (true) {
    size_t end = pem.find(kEnd);
    if (end == std::string_view::npos) break;
    TIPHYS_TRY(crypto::Certificate, one,
               crypto::Certificate::from_pem(pem.substr(0, end + kEnd.size())));
    made.push_back(std::move(one));
    pem.remove_prefix(end + kEnd.size());
  }
  return made;
}

bool signed_by_any(const crypto::Certificate& certificate,
                   const std::vector<crypto::Certificate>& authorities) {
  return std::ranges::any_of(authorities, [&](const crypto::Certificate& authority) {
    return certificate.is_signed_by(authority);
  });
}

Result<std::optional<client::ReviewedUser>> RequestHeaders::user(
    const crypto::Certificate& peer, const net::Headers& headers) const {
  std::optional<client::ReviewedUser> nobody;
  if (!signed_by_any(peer, authorities_)) return nobody;
  std::string name = peer.subject().common_name;
  const auto& allowed = flags_.allowed_names;
  if (!allowed.empty() && std::ranges::find(allowed, name) == allowed.end()) {
    return ApiStatus::unauthorized("x509: subject with cn=" + go_quote(name) +
                                   " is not in the allowed list");
  }
  client::ReviewedUser user;
  user.name = first_of(flags_.username_headers, headers);
  if (user.name.empty()) return nobody;
  user.uid = first_of(flags_.uid_headers, headers);
  std::vector<std::string> groups = lowered(flags_.group_headers);
  std::vector<std::string> prefixes = lowered(flags_.extra_prefixes);
  for (const net::Headers::Entry& entry : headers.entries()) {
    if (std::ranges::find(groups, entry.name) != groups.end()) user.groups.push_back(entry.value);
    for (const std::string& prefix : prefixes) {
      if (!entry.name.starts_with(prefix)) continue;
      std::string key = entry.name.substr(prefix.size());
      user.extra[percent_decode(key, false).value_or(key)].push_back(entry.value);
    }
  }
  return std::optional(std::move(user));
}

}  // namespace tiphys
