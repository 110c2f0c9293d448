// Rules of certificates.k8s.io that are no rows (pkg/apis/certificates/validation).
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"
#include "crypto/csr.h"
#include "kinds/certificates_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kMaxDomain = 253;
constexpr size_t kMaxSignerName = kMaxDomain + 1 + 253 + 1 + 63;
constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE REQUEST-----";
constexpr std::string_view kLegacySigner = "kubernetes.io/legacy-unknown";

// The first part that `check` refuses ends the list: the others would say the same.
void validate_labels_of(const RuleInput& input, std::string_view segment,
                        Messages (*check)(std::string_view), FieldErrors& errors) {
  for (std::string_view label : split(segment, '.')) {
    Messages messages = check(label);
    for (const std::string& message : messages) {
      errors.invalid(input.path, segment, "validating label " + go_quote(label) + ": " + message);
    }
    if (!messages.empty()) return;
  }
}

}  // namespace

void call_certificate_request(const RuleInput& input, FieldErrors& errors) {
  std::string_view pem = input.value.as_text();
  std::string printed = printed_value(*input.field, input.value);
  if (pem.find(kPemBegin) == std::string_view::npos) {
    errors.invalid_raw(input.path, printed, "PEM block type must be CERTIFICATE REQUEST");
    return;
  }
  Result<crypto::SigningRequest> request = crypto::SigningRequest::from_pem(pem);
  if (!request) errors.invalid_raw(input.path, printed, request.error().message());
}

// "example.com/signer-name".
void call_signer_name(const RuleInput& input, FieldErrors& errors) {
  std::string_view name = input.value.as_text();
  if (name.empty()) return errors.required(input.path);
  if (name == kLegacySigner) {
    errors.invalid(input.path, name, "the legacy signerName is not allowed via this API version");
    return;
  }
  std::vector<std::string_view> segments = split(name, '/');
  if (segments.size() != 2) {
    errors.invalid(input.path, name,
                   "must be a fully qualified domain and path of the form "
                   "'example.com/signer-name'");
    return;
  }
  if (segments[0].size() > kMaxDomain) errors.too_long(input.path, kMaxDomain);
  validate_labels_of(input, segments[0], check_dns1123_label, errors);
  if (segments[0].find('.') == std::string_view::npos) {
    errors.invalid(input.path, segments[0],
                   "should be a domain with at least two segments separated by dots");
  }
  validate_labels_of(input, segments[1], check_dns1123_subdomain, errors);
  if (name.size() > kMaxSignerName) errors.too_long(input.path, kMaxSignerName);
}

}  // namespace tiphys::apiserver
