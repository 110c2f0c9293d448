#include "crypto/pki.h"

#include "crypto/pki_leaves.h"
#include "os/files.h"

namespace tiphys::crypto {
namespace {

constexpr int kKeyMode = 0600;
constexpr int kCertificateMode = 0644;

ApiStatus at_file(const std::string& path, const ApiStatus& why) {
  return ApiStatus::internal(path + ": " + why.message());
}

}  // namespace

std::string Pki::path(std::string_view file) const { return directory_ + "/" + std::string(file); }

Result<Pki> Pki::ensure(std::string directory, PkiOptions options, const Clock& clock) {
  Pki pki;
  pki.directory_ = std::move(directory);
  pki.options_ = std::move(options);
  MicroTime now = clock.wall();
  if (auto made = os::make_dirs(pki.directory_, 0755); !made) return made.error();
  TIPHYS_TRY(Authority, ca, pki.ensure_authority("ca", "kubernetes", now));
  pki.ca_ = std::move(ca);
  TIPHYS_TRY(Authority, proxy, pki.ensure_authority("front-proxy-ca", "front-proxy-ca", now));
  pki.front_proxy_ca_ = std::move(proxy);
  if (auto done = pki.ensure_service_account_key(); !done) return done.error();
  for (int i = 0; i < kPkiLeafCount; i++) {
    if (auto done = pki.ensure_leaf(static_cast<PkiLeaf>(i), now); !done) return done.error();
  }
  return pki;
}

Result<Pki::Authority> Pki::load_authority(const std::string& name) const {
  Authority result;
  std::string crt = path(name + ".crt");
  std::string key_file = path(name + ".key");
  if (os::exists(crt)) {
    TIPHYS_TRY(std::string, pem, os::read_file(crt, kMaxPemBytes));
    auto certificate = Certificate::from_pem(pem);
    if (!certificate) return at_file(crt, certificate.error());
    result.pem = std::move(pem);
    result.certificate = std::move(*certificate);
  }
  if (os::exists(key_file)) {
    TIPHYS_TRY(std::string, pem, os::read_file(key_file, kMaxPemBytes));
    auto key = PrivateKey::from_pem(pem);
    if (!key) return at_file(key_file, key.error());
    result.key = std::move(*key);
  }
  if (result.certificate && result.key && !result.certificate->belongs_to(*result.key)) {
    return ApiStatus::internal(key_file + ": does not belong to " + crt);
  }
  return result;
}

Result<Pki::Authority> Pki::ensure_authority(std::string name, std::string common_name,
                                             MicroTime now) {
  TIPHYS_TRY(Authority, result, load_authority(name));
  if (result.certificate) return result;
  // A key without a certificate is what a crash between the two writes leaves: go on with it.
  if (!result.key) {
    TIPHYS_TRY(PrivateKey, key, PrivateKey::generate());
    auto written = os::write_file_atomic(path(name + ".key"), key.to_pem(), kKeyMode);
    if (!written) return written.error();
    result.key = std::move(key);
  }
  CertificateTemplate what;
  what.subject.common_name = common_name;
  what.ca = true;
  what.not_before = now - kClockSkew;
  what.not_after = now + kAuthorityLife;
  TIPHYS_TRY(Certificate, certificate, sign_certificate(what, *result.key, nullptr, *result.key));
  result.pem = certificate.to_pem();
  result.certificate = std::move(certificate);
  auto written = os::write_file_atomic(path(name + ".crt"), result.pem, kCertificateMode);
  if (!written) return written.error();
  return result;
}

Result<void> Pki::ensure_service_account_key() {
  std::string file = path("sa.key");
  if (os::exists(file)) {
    TIPHYS_TRY(std::string, pem, os::read_file(file, kMaxPemBytes));
    auto key = PrivateKey::from_pem(pem);
    if (!key) return at_file(file, key.error());
    service_account_key_ = std::move(*key);
  } else {
    TIPHYS_TRY(PrivateKey, key, PrivateKey::generate());
    auto written = os::write_file_atomic(file, key.to_pem(), kKeyMode);
    if (!written) return written;
    service_account_key_ = std::move(key);
  }
  if (os::exists(path("sa.pub"))) return {};
  return os::write_file_atomic(path("sa.pub"), service_account_key_->public_pem(),
                               kCertificateMode);
}

const Pki::Authority& Pki::authority_of(PkiLeaf leaf) const {
  return leaf == PkiLeaf::kFrontProxyClient ? front_proxy_ca_ : ca_;
}

Result<bool> Pki::ensure_leaf(PkiLeaf leaf, MicroTime now) {
  CertificateTemplate wanted = leaf_template(leaf, options_);
  const Authority& authority = authority_of(leaf);
  auto crt = os::read_file(path(std::string(file_name(leaf)) + ".crt"), kMaxPemBytes);
  auto key_pem = os::read_file(path(std::string(file_name(leaf)) + ".key"), kMaxPemBytes);
  if (crt && key_pem) {
    PkiPair& held = leaves_[static_cast<size_t>(leaf)];
    // Reading keys is slow: what was checked already needs only its times looked at.
    bool unchanged = *crt == held.certificate_pem && *key_pem == held.key_pem;
    if (unchanged && now >= held.not_before && now < held.renew_after) return false;
    auto certificate = Certificate::from_pem(*crt);
    auto key = PrivateKey::from_pem(*key_pem);
    bool usable = certificate && key && certificate->belongs_to(*key);
    bool good = usable && certificate->is_signed_by(*authority.certificate) &&
                covers(*certificate, wanted) && !is_due(*certificate, now);
    if (good || (usable && !authority.key)) {
      held = {std::move(*crt), std::move(*key_pem), certificate->not_before(),
              renewal_time(*certificate)};
      return false;
    }
  }
  auto made = make_leaf(leaf, wanted, now);
  if (!made) return made.error();
  return true;
}

Result<void> Pki::make_leaf(PkiLeaf leaf, const CertificateTemplate& wanted, MicroTime now) {
  const Authority& authority = authority_of(leaf);
  std::string base = path(file_name(leaf));
  if (!authority.key) {
    return ApiStatus::internal(base + ".crt: missing or malformed, and the CA's key to make it " +
                               "with is absent");
  }
  CertificateTemplate what = wanted;
  what.not_before = now - kClockSkew;
  what.not_after = std::min(now + kLeafLife, authority.certificate->not_after());
  TIPHYS_TRY(PrivateKey, key, PrivateKey::generate());
  TIPHYS_TRY(Certificate, certificate,
             sign_certificate(what, key, &*authority.certificate, *authority.key));
  PkiPair pair{certificate.to_pem(), key.to_pem(), certificate.not_before(),
               renewal_time(certificate)};
  auto written = os::write_file_atomic(base + ".key", pair.key_pem, kKeyMode);
  if (!written) return written;
  written = os::write_file_atomic(base + ".crt", pair.certificate_pem, kCertificateMode);
  if (!written) return written;
  leaves_[static_cast<size_t>(leaf)] = std::move(pair);
  return {};
}

Pki::Renewed Pki::renew(const Clock& clock) {
  Renewed renewed;
  for (int i = 0; i < kPkiLeafCount; i++) {
    auto leaf = static_cast<PkiLeaf>(i);
    std::string before = pair(leaf).certificate_pem;
    auto made = ensure_leaf(leaf, clock.wall());
    if (!made) renewed.error = made.error();
    // Compared, not just asked for: the files may have been replaced from outside.
    if (pair(leaf).certificate_pem != before) renewed.changed.push_back(leaf);
  }
  return renewed;
}

}  // namespace tiphys::crypto
