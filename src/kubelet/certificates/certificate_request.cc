#include "kubelet/certificates/certificate_request.h"

#include <algorithm>

#include "base/log.h"
#include "crypto/csr.h"
#include "kinds/certificates_v1.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kFirstPoll = std::chrono::milliseconds(200);
constexpr Duration kLastPoll = std::chrono::seconds(10);
constexpr Duration kPatience = std::chrono::minutes(15);

using certificates_v1::CertificateSigningRequest;

const schema::Resource& requests() {
  return *schema::find_resource("certificates.k8s.io", "v1", "certificatesigningrequests");
}

ObjectPtr request_object(const CertificateWish& wish, const std::string& pem) {
  Draft draft = CertificateSigningRequest::make();
  certificates_v1::CertificateSigningRequestEdit edit(draft);
  edit.edit_metadata().set_generate_name("csr-");
  auto spec = edit.edit_spec();
  spec.set_request(pem);
  spec.set_signer_name(wish.signer);
  for (const std::string& usage : wish.usages) spec.edit_usages().append(usage);
  return draft.freeze();
}

// What was decided: nothing yet, a certificate, or why there is none.
Result<std::optional<std::string>> verdict(const CertificateSigningRequest& request) {
  for (certificates_v1::CertificateSigningRequestCondition c : request.status().conditions()) {
    if (c.type() != "Denied" && c.type() != "Failed") continue;
    std::string what = c.type() == "Denied" ? "is denied" : "failed";
    return ApiStatus(403, "Forbidden",
                     "certificate signing request " + std::string(request.metadata().name()) + " " +
                         what + ", reason: " + std::string(c.reason()) +
                         ", message: " + std::string(c.message()));
  }
  if (!request.status().has_certificate()) return std::optional<std::string>();
  return std::optional<std::string>(request.status().certificate());
}

Task<Result<std::string>> wait_for_certificate(Loop& loop, client::Client& client, std::string name,
                                               StopToken stop) {
  MonoTime end = loop.mono() + kPatience;
  Duration pause = kFirstPoll;
  while (loop.mono() < end) {
    bool slept = co_await sleep_for(loop, pause, stop);
    if (!slept) co_return ApiStatus::stopped();
    pause = std::min(pause * 2, kLastPoll);
    Result<ObjectPtr> now = co_await client.get(requests(), "", name);
    if (!now && now.error().is_not_found()) {
      co_return ApiStatus::internal("certificate signing request " + name + " was deleted");
    }
    if (!now) continue;
    auto decided = verdict(CertificateSigningRequest(**now));
    if (!decided) co_return decided.error();
    if (*decided) co_return std::move(**decided);
  }
  co_return ApiStatus::timeout("certificate signing request " + name +
                               " was neither approved nor denied within 15 minutes");
}

Result<CertificatePair> pair_of(std::string certificate_pem, const crypto::PrivateKey& key) {
  TIPHYS_TRY(crypto::Certificate, certificate, crypto::Certificate::from_pem(certificate_pem));
  if (!certificate.belongs_to(key)) {
    return ApiStatus::internal("the issued certificate does not belong to the request's key");
  }
  return CertificatePair{std::move(certificate_pem), key.to_pem()};
}

}  // namespace

CertificateWish client_certificate_wish(const std::string& node_name) {
  return {.signer = "kubernetes.io/kube-apiserver-client-kubelet",
          .subject = {"system:node:" + node_name, {"system:nodes"}},
          .usages = {"digital signature", "client auth"}};
}

CertificateWish serving_certificate_wish(const std::string& node_name,
                                         std::vector<std::string> addresses) {
  return {.signer = "kubernetes.io/kubelet-serving",
          .subject = {"system:node:" + node_name, {"system:nodes"}},
          .dns_names = {node_name},
          .ip_addresses = std::move(addresses),
          .usages = {"digital signature", "server auth"}};
}

Task<Result<CertificatePair>> request_certificate(Loop& loop, client::Client& client,
                                                  CertificateWish wish, StopToken stop) {
  Result<crypto::PrivateKey> key = crypto::PrivateKey::generate();
  if (!key) co_return key.error();
  auto request =
      crypto::SigningRequest::make(wish.subject, wish.dns_names, wish.ip_addresses, *key);
  if (!request) co_return request.error();
  Result<ObjectPtr> made =
      co_await client.create(requests(), "", request_object(wish, request->to_pem()));
  if (!made) {
    co_return ApiStatus(made.error().code(), made.error().reason(),
                        "cannot create certificate signing request: " + made.error().message());
  }
  std::string name(CertificateSigningRequest(**made).metadata().name());
  LOG_INFO("Waiting for a certificate", {"csr", name}, {"signerName", wish.signer});
  Result<std::string> issued = co_await wait_for_certificate(loop, client, name, stop);
  if (!issued) co_return issued.error();
  co_return pair_of(std::move(*issued), *key);
}

}  // namespace tiphys::kubelet
