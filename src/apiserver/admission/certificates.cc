// CertificateApproval, CertificateSigning, CertificateSubjectRestriction: who may approve and sign
// which certificate requests. Upstream: plugin/pkg/admission/certificates.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "base/strings.h"
#include "crypto/csr.h"
#include "kinds/certificates_v1.h"

namespace tiphys::apiserver {
namespace {

using certificates_v1::CertificateSigningRequest;

constexpr std::string_view kGroup = "certificates.k8s.io";
constexpr std::string_view kResource = "certificatesigningrequests";
constexpr std::string_view kClientSigner = "kubernetes.io/kube-apiserver-client";

bool is_csr(const AdmissionRequest& request, std::string_view subresource) {
  return request.resource->group == kGroup && request.resource->resource == kResource &&
         request.subresource == subresource;
}

// On the signer by name, or on all of its domain ("example.com/*").
bool may(Authorizer* authorizer, const UserInfo& user, const char* verb, std::string_view signer) {
  if (!authorizer) return true;
  Attributes attributes;
  attributes.is_resource = true;
  attributes.verb = verb;
  attributes.group = kGroup;
  attributes.version = "*";
  attributes.resource = "signers";
  attributes.name = signer;
  if (authorizer->authorize(user, attributes).decision == Decision::kAllow) return true;
  attributes.name = std::string(signer.substr(0, signer.find('/'))) + "/*";
  return authorizer->authorize(user, attributes).decision == Decision::kAllow;
}

class CertificateApproval : public PlainPlugin {
 public:
  explicit CertificateApproval(Authorizer* authorizer) : authorizer_(authorizer) {}
  std::string_view name() const override { return "CertificateApproval"; }

 protected:
  Result<void> check(const AdmissionRequest& request) override {
    if (!is_update(request) || !is_csr(request, "approval")) return {};
    std::string_view signer = CertificateSigningRequest(*request.object).spec().signer_name();
    if (may(authorizer_, *request.user, "approve", signer)) return {};
    return denied(request,
                  "user not permitted to approve requests with signerName " + go_quote(signer));
  }

 private:
  Authorizer* authorizer_;
};

class CertificateSigning : public PlainPlugin {
 public:
  explicit CertificateSigning(Authorizer* authorizer) : authorizer_(authorizer) {}
  std::string_view name() const override { return "CertificateSigning"; }

 protected:
  Result<void> check(const AdmissionRequest& request) override {
    if (!is_update(request) || !is_csr(request, "status")) return {};
    CertificateSigningRequest now(*request.object);
    CertificateSigningRequest old(*request.old_object);
    if (now.status().certificate() == old.status().certificate()) return {};
    std::string_view signer = old.spec().signer_name();
    if (may(authorizer_, *request.user, "sign", signer)) return {};
    return denied(request,
                  "user not permitted to sign requests with signerName " + go_quote(signer));
  }

 private:
  Authorizer* authorizer_;
};

class CertificateSubjectRestriction : public PlainPlugin {
 public:
  std::string_view name() const override { return "CertificateSubjectRestriction"; }

 protected:
  Result<void> check(const AdmissionRequest& request) override {
    if (!is_create(request) || !is_csr(request, "")) return {};
    CertificateSigningRequest wanted(*request.object);
    if (wanted.spec().signer_name() != kClientSigner) return {};
    auto parsed = crypto::SigningRequest::from_pem(wanted.spec().request());
    if (!parsed) {
      return denied(request, "failed to parse CSR: " + parsed.error().message());
    }
    for (const std::string& group : parsed->subject().organizations) {
      if (group == kSystemMasters) {
        return denied(request, "use of " + std::string(kClientSigner) +
                                   " signer with system:masters group is not allowed");
      }
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_certificate_approval(const AdmissionParts& parts) {
  return std::make_unique<CertificateApproval>(parts.authorizer);
}

std::unique_ptr<AdmissionPlugin> make_certificate_signing(const AdmissionParts& parts) {
  return std::make_unique<CertificateSigning>(parts.authorizer);
}

std::unique_ptr<AdmissionPlugin> make_certificate_subject_restriction(const AdmissionParts&) {
  return std::make_unique<CertificateSubjectRestriction>();
}

}  // namespace tiphys::apiserver
