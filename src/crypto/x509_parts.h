// Internal to crypto/: reading and writing the parts that certificates and requests share.
#pragma once
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/openssl.h"

namespace tiphys::crypto {

std::string asn1_text(const ASN1_STRING* text);  // as UTF-8
Subject read_subject(const X509_NAME* name);
Result<void> write_subject(const Subject& subject, X509_NAME* name);

struct AlternativeNames {
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  bool others = false;  // e-mail addresses, URIs and the like
};
AlternativeNames read_names(const GENERAL_NAMES* names);
using OwnedNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
// Error: an address that is none.
Result<OwnedNames> make_names(const std::vector<std::string>& dns_names,
                              const std::vector<std::string>& ip_addresses);

// As sign_certificate, for a bare public key.
Result<Certificate> sign_public_key(const CertificateTemplate& what, EVP_PKEY* subject_key,
                                    const Certificate* issuer, const PrivateKey& issuer_key);

}  // namespace tiphys::crypto
