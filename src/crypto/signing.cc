// Making certificates: what sign_certificate and sign_request share.
#include <ctime>

#include "crypto/certificate.h"
#include "crypto/csr.h"
#include "crypto/x509_parts.h"

namespace tiphys::crypto {
namespace {

constexpr int kSerialBits = 127;  // positive, at most 20 octets (RFC 5280, 4.1.2.2)

Result<void> set_serial(X509* certificate) {
  OwnedNumber number(BN_new());
  if (BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      !BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate))) {
    return openssl_error("make a serial number");
  }
  return {};
}

Result<void> set_times(X509* certificate, MicroTime not_before, MicroTime not_after) {
  auto from = static_cast<time_t>(not_before / kMicrosPerSecond);
  auto to = static_cast<time_t>(not_after / kMicrosPerSecond);
  if (!ASN1_TIME_set(X509_getm_notBefore(certificate), from) ||
      !ASN1_TIME_set(X509_getm_notAfter(certificate), to)) {
    return openssl_error("set validity");
  }
  return {};
}

Result<void> add_extension(X509* certificate, const Certificate* issuer, int nid,
                           const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer ? issuer->get() : certificate, certificate, nullptr, nullptr, 0);
  Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return openssl_error("add extension");
  }
  return {};
}

std::string extended_usages(const CertificateTemplate& what) {
  std::string usages;
  if (what.server_auth) usages += "serverAuth";
  if (what.client_auth) usages += usages.empty() ? "clientAuth" : ",clientAuth";
  return usages;
}

Result<void> add_names(X509* certificate, const CertificateTemplate& what) {
  if (what.dns_names.empty() && what.ip_addresses.empty()) return {};
  auto names = make_names(what.dns_names, what.ip_addresses);
  if (!names) return names.error();
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names->get(), 0, 0) != 1) {
    return openssl_error("add names");
  }
  return {};
}

Result<void> add_extensions(X509* certificate, const CertificateTemplate& what,
                            const Certificate* issuer) {
  struct Entry {
    int nid;
    std::string value;
  };
  std::vector<Entry> entries{
      {NID_basic_constraints, what.ca ? "critical,CA:TRUE" : "critical,CA:FALSE"},
      {NID_key_usage, what.ca ? "critical,digitalSignature,keyEncipherment,keyCertSign"
                      : what.key_encipherment ? "critical,digitalSignature,keyEncipherment"
                                              : "critical,digitalSignature"},
      {NID_ext_key_usage, extended_usages(what)},
      {NID_subject_key_identifier, what.ca ? "hash" : ""},
      {NID_authority_key_identifier, issuer ? "keyid:always" : ""},
  };
  for (const Entry& entry : entries) {
    if (entry.value.empty()) continue;
    auto added = add_extension(certificate, issuer, entry.nid, entry.value.c_str());
    if (!added) return added;
  }
  return add_names(certificate, what);
}

}  // namespace

Result<Certificate> sign_public_key(const CertificateTemplate& what, EVP_PKEY* subject_key,
                                    const Certificate* issuer, const PrivateKey& issuer_key) {
  if (issuer && !issuer->belongs_to(issuer_key)) {
    return ApiStatus::internal("the CA's key does not belong to its certificate");
  }
  OwnedX509 made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  if (auto done = set_serial(made.get()); !done) return done.error();
  if (auto done = set_times(made.get(), what.not_before, what.not_after); !done) {
    return done.error();
  }
  X509_NAME* subject = X509_get_subject_name(made.get());
  if (auto done = write_subject(what.subject, subject); !done) return done.error();
  X509_set_issuer_name(made.get(), issuer ? X509_get_subject_name(issuer->get()) : subject);
  if (X509_set_pubkey(made.get(), subject_key) != 1) return openssl_error("set public key");
  if (auto done = add_extensions(made.get(), what, issuer); !done) return done.error();
  if (X509_sign(made.get(), issuer_key.get(), EVP_sha256()) <= 0) {
    return openssl_error("sign certificate");
  }
  return Certificate::adopt(made.release());
}

Result<Certificate> sign_certificate(const CertificateTemplate& what, const PrivateKey& subject_key,
                                     const Certificate* issuer, const PrivateKey& issuer_key) {
  return sign_public_key(what, subject_key.get(), issuer, issuer_key);
}

Result<Certificate> sign_request(const SigningRequest& request, const CertificateTemplate& what,
                                 const Certificate& issuer, const PrivateKey& issuer_key) {
  CertificateTemplate copy = what;
  copy.ca = false;
  copy.subject = request.subject();
  copy.dns_names = request.dns_names();
  copy.ip_addresses = request.ip_addresses();
  return sign_public_key(copy, X509_REQ_get0_pubkey(request.get()), &issuer, issuer_key);
}

}  // namespace tiphys::crypto
