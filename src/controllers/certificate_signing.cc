#include "controllers/certificate_signing.h"

#include "base/log.h"
#include "controllers/kubelet_requests.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

using certificates_v1::CertificateSigningRequest;
using certificates_v1::CertificateSigningRequestEdit;

constexpr MicroTime kBackdate = 300 * kMicrosPerSecond;  // for clocks that are slow
constexpr MicroTime kShortest = 600 * kMicrosPerSecond;
constexpr MicroTime kDecidedLife = 3600 * kMicrosPerSecond;
constexpr MicroTime kPendingLife = 24 * 3600 * kMicrosPerSecond;
constexpr Duration kCleaningPeriod = std::chrono::hours(1);

// Why the signer will never sign a request; "": it does.
std::string problem_of(const crypto::SigningRequest& parsed,
                       const CertificateSigningRequest& request) {
  std::string_view signer = request.spec().signer_name();
  Usages usages = request.spec().usages();
  if (signer == kApiClientSigner) return client_usages_problem(usages);
  return signer == kKubeletServingSigner ? kubelet_serving_problem(parsed, usages)
                                         : kubelet_client_problem(parsed, usages);
}

MicroTime life_of(const CertificateSigningRequest& request, MicroTime longest) {
  if (!request.spec().has_expiration_seconds()) return longest;
  MicroTime wanted = request.spec().expiration_seconds() * kMicrosPerSecond;
  return std::min(longest, std::max(kShortest, wanted));
}

bool has_usage(const CertificateSigningRequest& request, std::string_view usage) {
  for (std::string_view one : request.spec().usages()) {
    if (one == usage) return true;
  }
  return false;
}

crypto::CertificateTemplate template_of(const CertificateSigningRequest& request, MicroTime now,
                                        MicroTime longest,
                                        const CertificateSigning::Authority& authority) {
  crypto::CertificateTemplate what;
  what.server_auth = has_usage(request, "server auth");
  what.client_auth = has_usage(request, "client auth");
  what.key_encipherment = has_usage(request, "key encipherment");
  what.not_before = now - kBackdate;
  what.not_after = std::min(now + life_of(request, longest), authority.certificate.not_after());
  return what;
}

ObjectPtr failed(const Object& object, const std::string& why, MicroTime now) {
  Draft draft(object);
  auto condition = CertificateSigningRequestEdit(draft).edit_status().edit_conditions().append();
  condition.set_type("Failed");
  condition.set_status("True");
  condition.set_reason("SignerValidationFailure");
  condition.set_message(why);
  condition.set_last_update_time(now);
  return draft.freeze();
}

bool is_over(const CertificateSigningRequest& request, MicroTime now) {
  bool issued = request.status().has_certificate();
  for (const auto& condition : request.status().conditions()) {
    // What is approved but not signed yet is still waited for.
    bool final = (condition.type() == "Approved" && issued) || condition.type() == "Denied" ||
                 condition.type() == "Failed";
    if (!final || !condition.has_last_update_time()) continue;
    if (condition.last_update_time() + kDecidedLife < now) return true;
  }
  bool pending = !issued && request.status().conditions().empty();
  if (pending) return request.metadata().creation_timestamp() + kPendingLife < now;
  if (!issued || find_verdict(request, "Approved").type().empty()) return false;
  auto certificate = crypto::Certificate::from_pem(request.status().certificate());
  return certificate && certificate->not_after() < now;
}

}  // namespace

CertificateSigning::CertificateSigning(Context context, Options options)
    : Controller(context, "certificatesigningrequest-signing-controller", 1),
      options_(std::move(options)),
      requests_(watch(certificate_signing_requests())) {
  enqueue_changes(requests_);
}

Decision CertificateSigning::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr object = requests_.get("", key);
  if (!object) return decision;
  CertificateSigningRequest request(*object);
  auto authority = options_.authorities.find(request.spec().signer_name());
  bool approved = !find_verdict(request, "Approved").type().empty() &&
                  find_verdict(request, "Failed").type().empty();
  if (!approved || request.status().has_certificate() || authority == options_.authorities.end()) {
    return decision;
  }
  auto parsed = crypto::SigningRequest::from_pem(request.spec().request());
  if (!parsed) return decision;
  std::string problem = problem_of(*parsed, request);
  if (!problem.empty()) {
    decision.add(
        update_action(certificate_signing_requests(), failed(*object, problem, now), "status"));
    return decision;
  }
  MicroTime longest =
      std::chrono::duration_cast<std::chrono::microseconds>(options_.duration).count();
  auto made = crypto::sign_request(*parsed, template_of(request, now, longest, authority->second),
                                   authority->second.certificate, authority->second.key);
  if (!made) {
    LOG_ERROR("Certificate not signed", {"name", key}, {"err", made.error()});
    return decision;
  }
  Draft draft(*object);
  CertificateSigningRequestEdit(draft).edit_status().set_certificate(made->to_pem());
  decision.add(update_action(certificate_signing_requests(), draft.freeze(), "status"));
  return decision;
}

CertificateCleaner::CertificateCleaner(Context context)
    : Controller(context, "certificatesigningrequest-cleaner-controller", 1),
      requests_(watch(certificate_signing_requests())) {
  // Changes begin a request's hours anew; each key then comes back by itself.
  enqueue_changes(requests_);
}

Decision CertificateCleaner::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr object = requests_.get("", key);
  if (!object) return decision;
  if (is_over(CertificateSigningRequest(*object), now)) {
    decision.add(delete_action(certificate_signing_requests(), object));
  } else {
    decision.look_again_in(kCleaningPeriod);
  }
  return decision;
}

}  // namespace tiphys::controllers
