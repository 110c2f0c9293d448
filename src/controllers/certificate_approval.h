// CertificateApproval: approves the client certificates that kubelets ask for, of those who may
// have them: a SubjectAccessReview on certificatesigningrequests/nodeclient or /selfnodeclient.
// It is asked again, with back-off, as long as the answer is no.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class CertificateApproval : public Controller {
 public:
  explicit CertificateApproval(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override { return {}; }
  Task<Result<void>> sync(std::string key) override;

 private:
  Task<Result<bool>> may(ObjectPtr request, std::string subresource);
  Task<Result<void>> approve(ObjectPtr request, std::string message);

  client::Informer& requests_;
};

}  // namespace tiphys::controllers
