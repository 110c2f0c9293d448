// X.509 certificates and keys (RFC 5280). Immutable; safe to read from any thread.
//
// Errors are InternalError with OpenSSL's words. Encrypted PEMs are refused, never prompted for.
// Input over kMaxPemBytes is refused.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

struct x509_st;
struct evp_pkey_st;

namespace tiphys::crypto {

inline constexpr size_t kMaxPemBytes = 1 << 20;

// A private key: EC P-256 when made here; any kind when loaded.
class PrivateKey {
 public:
  static Result<PrivateKey> generate();  // P-256
  static Result<PrivateKey> from_pem(std::string_view pem);
  std::string to_pem() const;      // PKCS#8 or SEC1
  std::string public_pem() const;  // SubjectPublicKeyInfo
  evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit PrivateKey(evp_pkey_st* key);  // takes the reference
  std::shared_ptr<evp_pkey_st> key_;
};

struct Subject {
  std::string common_name;
  std::vector<std::string> organizations;
};

class Certificate {
 public:
  static Result<Certificate> from_pem(std::string_view pem);  // the first certificate in it
  static Result<Certificate> from_der(std::string_view der);
  static Certificate adopt(x509_st* certificate);  // takes the reference
  std::string to_pem() const;
  Subject subject() const;
  std::string issuer_common_name() const;
  MicroTime not_before() const;
  MicroTime not_after() const;
  bool is_over(MicroTime now) const { return not_after() < now; }
  bool is_ca() const;
  std::vector<std::string> dns_names() const;
  std::vector<std::string> ip_addresses() const;  // text
  std::string sha256_fingerprint() const;         // of the DER, hex
  std::string subject_key_sha256() const;         // of the SPKI, hex: kubeadm's CA pin
  bool allows_client_auth() const;                // its extended key usages, if it has any, name it
  bool allows_server_auth() const;
  bool belongs_to(const PrivateKey& key) const;
  bool same_key_kind(const PrivateKey& key) const;     // both RSA, both EC ...
  bool is_signed_by(const Certificate& issuer) const;  // the signature only
  x509_st* get() const { return certificate_.get(); }

 private:
  explicit Certificate(x509_st* certificate);
  std::shared_ptr<x509_st> certificate_;
};

struct CertificateTemplate {
  Subject subject;
  bool ca = false;
  bool server_auth = false;
  bool client_auth = false;
  bool key_encipherment = true;  // besides digital signature
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  MicroTime not_before = 0;
  MicroTime not_after = 0;
};

// Signs `subject_key` under the issuer; self-signed if issuer is null (issuer_key is then the key).
// The serial number is random.
Result<Certificate> sign_certificate(const CertificateTemplate& what, const PrivateKey& subject_key,
                                     const Certificate* issuer, const PrivateKey& issuer_key);

}  // namespace tiphys::crypto
