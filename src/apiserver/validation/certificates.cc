// Rules of certificates.k8s.io that are no rows (pkg/apis/certificates/validation).
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/signer_name.h"
#include "crypto/csr.h"
#include "kinds/certificates_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE REQUEST-----";
constexpr std::string_view kLegacySigner = "kubernetes.io/legacy-unknown";

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
  if (name == kLegacySigner) {
    errors.invalid(input.path, name, "the legacy signerName is not allowed via this API version");
  } else {
    check_signer_name(name, input.path, errors);
  }
}

}  // namespace tiphys::apiserver
