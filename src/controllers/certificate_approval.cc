#include "controllers/certificate_approval.h"

#include "base/log.h"
#include "controllers/kubelet_requests.h"
#include "controllers/resources.h"
#include "kinds/authorization_v1.h"

namespace tiphys::controllers {

namespace {

using certificates_v1::CertificateSigningRequest;

struct Kind {
  bool own = false;  // of the node that asks
  const char* subresource = nullptr;
  const char* message = nullptr;
};

constexpr Kind kKinds[] = {
    {true, "selfnodeclient",
     "Auto approving self kubelet client certificate after SubjectAccessReview."},
    {false, "nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."},
};

bool is_decided(const CertificateSigningRequest& request) {
  return request.status().has_certificate() || !find_verdict(request, "Approved").type().empty() ||
         !find_verdict(request, "Denied").type().empty();
}

Draft review_of(const CertificateSigningRequest& request, std::string_view subresource) {
  Draft draft = authorization_v1::SubjectAccessReview::make();
  auto spec = authorization_v1::SubjectAccessReviewEdit(draft).edit_spec();
  spec.set_user(request.spec().username());
  spec.set_uid(request.spec().uid());
  if (request.spec().has_groups()) spec.set_groups(request.spec().groups());
  if (request.spec().has_extra()) spec.set_extra(request.spec().extra());
  auto asked = spec.edit_resource_attributes();
  asked.set_group("certificates.k8s.io");
  asked.set_resource("certificatesigningrequests");
  asked.set_subresource(subresource);
  asked.set_verb("create");
  return draft;
}

}  // namespace

CertificateApproval::CertificateApproval(Context context)
    : Controller(context, "certificatesigningrequest-approving-controller", 1),
      requests_(watch(certificate_signing_requests())) {
  enqueue_changes(requests_);
}

Task<Result<bool>> CertificateApproval::may(ObjectPtr request, std::string subresource) {
  const schema::Resource& reviews =
      *schema::find_resource("authorization.k8s.io", "v1", "subjectaccessreviews");
  Draft review = review_of(CertificateSigningRequest(*request), subresource);
  Result<ObjectPtr> answer = co_await context_.client.create(reviews, "", review.freeze());
  if (!answer) co_return answer.error();
  co_return authorization_v1::SubjectAccessReview(**answer).status().allowed();
}

Task<Result<void>> CertificateApproval::approve(ObjectPtr request, std::string message) {
  Draft draft(*request);
  auto condition = certificates_v1::CertificateSigningRequestEdit(draft)
                       .edit_status()
                       .edit_conditions()
                       .append();
  condition.set_type("Approved");
  condition.set_status("True");
  condition.set_reason("AutoApproved");
  condition.set_message(message);
  Result<ObjectPtr> written =
      co_await context_.client.update(certificate_signing_requests(), draft.freeze(), "approval");
  if (!written && !written.error().is_not_found()) co_return written.error();
  co_return Result<void>();
}

Task<Result<void>> CertificateApproval::sync(std::string key) {
  ObjectPtr object = requests_.get("", key);
  if (!object) co_return Result<void>();
  CertificateSigningRequest request(*object);
  if (is_decided(request) || request.spec().signer_name() != kKubeletClientSigner) {
    co_return Result<void>();
  }
  auto parsed = crypto::SigningRequest::from_pem(request.spec().request());
  if (!parsed) co_return Result<void>();  // a retry would not read more of it
  if (!kubelet_client_problem(*parsed, request.spec().usages()).empty()) co_return Result<void>();
  bool own = parsed->subject().common_name == request.spec().username();
  for (const Kind& kind : kKinds) {
    if (kind.own && !own) continue;
    Result<bool> allowed = co_await may(object, kind.subresource);
    if (!allowed) co_return allowed.error();
    if (*allowed) co_return co_await approve(object, kind.message);
  }
  // The right may come: it is asked for again, later and later.
  co_return ApiStatus::internal("recognized csr \"" + key +
                                "\" but subject access review was not approved");
}

}  // namespace tiphys::controllers
