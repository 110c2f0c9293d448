// Certificate signing requests (PKCS #10, RFC 2986). Immutable; safe to read from any thread.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "crypto/certificate.h"

struct X509_req_st;

namespace tiphys::crypto {

class SigningRequest {
 public:
  // Error if it is no request, or its own signature doesn't verify (it must be the key's owner's).
  static Result<SigningRequest> from_pem(std::string_view pem);
  // A request for subject and names, signed by the key.
  static Result<SigningRequest> make(const Subject& subject,
                                     const std::vector<std::string>& dns_names,
                                     const std::vector<std::string>& ip_addresses,
                                     const PrivateKey& key);
  std::string to_pem() const;
  Subject subject() const;
  std::vector<std::string> dns_names() const;
  std::vector<std::string> ip_addresses() const;
  bool has_emails_or_uris() const;
  X509_req_st* get() const { return request_.get(); }

 private:
  explicit SigningRequest(X509_req_st* request);  // takes the reference
  std::shared_ptr<X509_req_st> request_;
};

// Signs the request's key, subject and names; usages and times are those of `what` (whose subject
// and names are not looked at). Never makes a CA.
Result<Certificate> sign_request(const SigningRequest& request, const CertificateTemplate& what,
                                 const Certificate& issuer, const PrivateKey& issuer_key);

}  // namespace tiphys::crypto
