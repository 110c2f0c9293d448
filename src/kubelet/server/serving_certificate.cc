#include "kubelet/server/serving_certificate.h"

#include "crypto/certificate.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kSpan = 365LL * 24 * 3600 * kMicrosPerSecond;
constexpr MicroTime kSkew = 3600 * kMicrosPerSecond;  // not_before lies so far back

std::optional<CertificatePair> kept(const std::string& folder, MicroTime now) {
  Result<std::string> certificate = os::read_file(folder + "/kubelet.crt");
  Result<std::string> key = os::read_file(folder + "/kubelet.key");
  if (!certificate || !key) return std::nullopt;
  Result<crypto::Certificate> parsed = crypto::Certificate::from_pem(*certificate);
  Result<crypto::PrivateKey> parsed_key = crypto::PrivateKey::from_pem(*key);
  if (!parsed || !parsed_key || !parsed->belongs_to(*parsed_key)) return std::nullopt;
  if (parsed->not_after() <= now) return std::nullopt;
  return CertificatePair{*certificate, *key};
}

Result<CertificatePair> make(const Options& options, MicroTime now) {
  TIPHYS_TRY(crypto::PrivateKey, key, crypto::PrivateKey::generate());
  crypto::CertificateTemplate what;
  what.subject.common_name = options.node_name + "@" + std::to_string(now / kMicrosPerSecond);
  what.server_auth = true;
  what.dns_names = {options.node_name};
  what.ip_addresses = options.node_ips;
  what.not_before = now - kSkew;
  what.not_after = now + kSpan;
  TIPHYS_TRY(crypto::Certificate, made, crypto::sign_certificate(what, key, nullptr, key));
  return CertificatePair{made.to_pem(), key.to_pem()};
}

}  // namespace

Result<CertificatePair> self_signed_certificate(const Options& options, MicroTime now) {
  const std::string& folder = options.cert_dir;
  if (std::optional<CertificatePair> pair = kept(folder, now)) return *pair;
  TIPHYS_TRY(CertificatePair, made, make(options, now));
  Result<void> written = os::make_dirs(folder, 0700);
  if (written) written = os::write_file_atomic(folder + "/kubelet.key", made.key_pem, 0600);
  if (written) written = os::write_file_atomic(folder + "/kubelet.crt", made.certificate_pem);
  if (!written) return written.error();
  return made;
}

}  // namespace tiphys::kubelet
