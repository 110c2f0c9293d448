// Certificates from the API (https://kubernetes.io/docs/reference/access-authn-authz/
// certificate-signing-requests/): a request, and the wait for who approves and signs it.
//
// Loop thread only.
#pragma once
#include <string>
#include <vector>

#include "client/client.h"
#include "crypto/certificate.h"
#include "kubelet/certificates/certificate_pair.h"

namespace tiphys::kubelet {

struct CertificateWish {
  std::string signer;
  crypto::Subject subject;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> usages;
};
// Of the node itself: to call the API server, and to serve.
CertificateWish client_certificate_wish(const std::string& node_name);
CertificateWish serving_certificate_wish(const std::string& node_name,
                                         std::vector<std::string> addresses);

// A fresh key, signed. Errors: the server's; the request was denied or failed; nobody decided on it
// within 15 minutes (Timeout); stop.
Task<Result<CertificatePair>> request_certificate(Loop& loop, client::Client& client,
                                                  CertificateWish wish, StopToken stop);

}  // namespace tiphys::kubelet
