#include "apiserver/validation/signer_name.h"

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxDomainBytes = 253;
constexpr size_t kMaxNameBytes = 571;  // domain, '/', namespace, '.', resource name

// The first part that is wrong is the one that is told of.
void check_parts(std::string_view segment, Messages (*check)(std::string_view),
                 const FieldPath& path, FieldErrors& errors) {
  for (std::string_view part : split(segment, '.')) {
    Messages messages = check(part);
    for (const std::string& message : messages) {
      errors.invalid(path, segment, "validating label " + go_quote(part) + ": " + message);
    }
    if (!messages.empty()) return;
  }
}

}  // namespace

bool is_kubernetes_signer(std::string_view name) {
  std::string_view host = name.substr(0, name.find('/'));
  return host == "kubernetes.io" || host.ends_with(".kubernetes.io");
}

void check_signer_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) {
    errors.required(path);
    return;
  }
  std::vector<std::string_view> segments = split(name, '/');
  if (segments.size() != 2) {
    errors.invalid(path, name,
                   "must be a fully qualified domain and path of the form "
                   "'example.com/signer-name'");
    return;
  }
  if (segments[0].size() > kMaxDomainBytes) errors.too_long(path, kMaxDomainBytes);
  check_parts(segments[0], check_dns1123_label, path, errors);
  if (segments[0].find('.') == std::string_view::npos) {
    errors.invalid(path, segments[0],
                   "should be a domain with at least two segments separated by dots");
  }
  check_parts(segments[1], check_dns1123_subdomain, path, errors);
  if (name.size() > kMaxNameBytes) errors.too_long(path, kMaxNameBytes);
}

Messages check_trust_bundle_name(std::string_view name) {
  size_t colon = name.rfind(':');
  if (colon == std::string_view::npos) return check_dns1123_subdomain(name);
  return check_dns1123_subdomain(name.substr(colon + 1));
}

}  // namespace tiphys::apiserver
