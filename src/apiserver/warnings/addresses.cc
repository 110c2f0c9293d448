#include "apiserver/warnings/warnings.h"
#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {

void warn_of_ip(std::string_view text, const FieldPath& path, Warnings& warnings) {
  auto address = parse_ip(text);
  if (!address) return;
  std::string canonical = canonical_text(*address);
  if (canonical == text) return;
  if (address->v6) {
    warn(warnings, path,
         "IPv6 address " + go_quote(text) + " should be in RFC 5952 canonical format (" +
             go_quote(canonical) + ")");
  } else {
    warn(warnings, path,
         "non-standard IP address " + go_quote(text) +
             " will be considered invalid in a future Kubernetes release: use " +
             go_quote(canonical));
  }
}

void warn_of_cidr(std::string_view text, const FieldPath& path, Warnings& warnings) {
  auto prefix = parse_cidr(text);
  if (!prefix) return;
  IpAddress network = masked(*prefix);
  std::string canonical = canonical_text(network) + "/" + std::to_string(prefix->bits);
  std::string_view given = text.substr(0, text.find('/'));
  bool ambiguous = !(network == prefix->address);
  if (ambiguous) {
    std::string single = canonical_text(prefix->address) + (prefix->address.v6 ? "/128" : "/32");
    warn(warnings, path,
         "CIDR value " + go_quote(text) + " is ambiguous in this context (should be " +
             go_quote(canonical) + " or " + go_quote(single) + "?)");
  }
  bool plain = canonical_text(prefix->address) == given &&
               text.substr(given.size()) == "/" + std::to_string(prefix->bits);
  if (!prefix->address.v6 && !plain) {
    warn(warnings, path,
         "non-standard CIDR value " + go_quote(text) +
             " will be considered invalid in a future Kubernetes release: use " +
             go_quote(canonical));
  } else if (!plain && !ambiguous) {
    warn(warnings, path,
         "IPv6 CIDR value " + go_quote(text) + " should be in RFC 5952 canonical format (" +
             go_quote(canonical) + ")");
  }
}

}  // namespace tiphys::apiserver
