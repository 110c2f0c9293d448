#include "crypto/certificate.h"

#include <ctime>

#include "base/strings.h"
#include "crypto/jwt.h"
#include "crypto/x509_parts.h"

namespace tiphys::crypto {
namespace {

MicroTime to_micros(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<MicroTime>(timegm(&parts)) * kMicrosPerSecond;
}

bool has_usage(const Certificate& certificate, uint32_t usage) {
  // UINT32_MAX: no such extension, so every use is allowed.
  return (X509_get_extended_key_usage(certificate.get()) & usage) != 0;
}

std::string public_der(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  std::string bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

AlternativeNames names_of(X509* certificate) {
  OwnedNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  return read_names(names.get());
}

}  // namespace

PrivateKey::PrivateKey(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}

Result<PrivateKey> PrivateKey::generate() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  if (!key) return openssl_error("generate key");
  return PrivateKey(key);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return ApiStatus::internal("read private key: too large");
  OwnedBio bio = borrow_bio(pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr);
  if (!key) return openssl_error("read private key");
  return PrivateKey(key);
}

std::string PrivateKey::to_pem() const {
  OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey_traditional(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                       nullptr);
  return bio_text(bio.get());
}

std::string PrivateKey::public_pem() const {
  OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(bio.get(), key_.get());
  return bio_text(bio.get());
}

Certificate::Certificate(X509* certificate) : certificate_(certificate, X509_free) {}

Certificate Certificate::adopt(X509* certificate) { return Certificate(certificate); }

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return ApiStatus::internal("read certificate: too large");
  OwnedBio bio = borrow_bio(pem);
  X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, refuse_password, nullptr);
  if (!certificate) return openssl_error("read certificate");
  return Certificate(certificate);
}

Result<Certificate> Certificate::from_der(std::string_view der) {
  if (der.size() > kMaxPemBytes) return ApiStatus::internal("read certificate: too large");
  auto bytes = reinterpret_cast<const unsigned char*>(der.data());
  auto end = bytes + der.size();
  X509* certificate = d2i_X509(nullptr, &bytes, static_cast<long>(der.size()));
  if (!certificate) return openssl_error("read certificate");
  if (bytes != end) {
    X509_free(certificate);
    return ApiStatus::internal("read certificate: trailing data");
  }
  return Certificate(certificate);
}

std::string Certificate::to_pem() const {
  OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate_.get());
  return bio_text(bio.get());
}

Subject Certificate::subject() const {
  return read_subject(X509_get_subject_name(certificate_.get()));
}

std::string Certificate::issuer_common_name() const {
  return read_subject(X509_get_issuer_name(certificate_.get())).common_name;
}

MicroTime Certificate::not_before() const {
  return to_micros(X509_get0_notBefore(certificate_.get()));
}

MicroTime Certificate::not_after() const {
  return to_micros(X509_get0_notAfter(certificate_.get()));
}

bool Certificate::is_ca() const { return X509_check_ca(certificate_.get()) == 1; }

std::vector<std::string> Certificate::dns_names() const {
  return names_of(certificate_.get()).dns_names;
}

std::vector<std::string> Certificate::ip_addresses() const {
  return names_of(certificate_.get()).ip_addresses;
}

std::string Certificate::sha256_fingerprint() const {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate_.get(), EVP_sha256(), digest, &size);
  return hex({reinterpret_cast<char*>(digest), size});
}

std::string Certificate::subject_key_sha256() const {
  return hex(sha256(public_der(X509_get0_pubkey(certificate_.get()))));
}

bool Certificate::allows_client_auth() const { return has_usage(*this, XKU_SSL_CLIENT); }
bool Certificate::allows_server_auth() const { return has_usage(*this, XKU_SSL_SERVER); }

bool Certificate::belongs_to(const PrivateKey& key) const {
  bool result = X509_check_private_key(certificate_.get(), key.get()) == 1;
  ERR_clear_error();
  return result;
}

bool Certificate::same_key_kind(const PrivateKey& key) const {
  EVP_PKEY* mine = X509_get0_pubkey(certificate_.get());
  return mine && EVP_PKEY_get_base_id(mine) == EVP_PKEY_get_base_id(key.get());
}

bool Certificate::is_signed_by(const Certificate& issuer) const {
  bool result = X509_verify(certificate_.get(), X509_get0_pubkey(issuer.get())) == 1;
  ERR_clear_error();
  return result;
}

}  // namespace tiphys::crypto
