// CertificateSigning: signs approved requests of the Kubernetes signers
// kube-apiserver-client, kube-apiserver-client-kubelet and kubelet-serving; a request that its
// signer can't sign gets the condition Failed.
// CertificateCleaner: deletes requests that are decided and old, or that nobody ever decided.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests
#pragma once
#include <map>

#include "controllers/controller.h"
#include "crypto/certificate.h"

namespace tiphys::controllers {

class CertificateSigning : public Controller {
 public:
  struct Authority {
    crypto::Certificate certificate;
    crypto::PrivateKey key;
  };
  struct Options {
    std::map<std::string, Authority, std::less<>> authorities;  // by signer; without: not signed
    Duration duration = std::chrono::hours(8760);               // --cluster-signing-duration
  };
  CertificateSigning(Context context, Options options);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  Options options_;
  client::Informer& requests_;
};

class CertificateCleaner : public Controller {
 public:
  explicit CertificateCleaner(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& requests_;
};

}  // namespace tiphys::controllers
