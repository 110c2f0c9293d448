// ServiceAccountController: every active namespace has the ServiceAccount "default".
// RootCaPublisher: every active namespace has the ConfigMap kube-root-ca.crt with the cluster's CA.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
#pragma once
#include <string>

#include "controllers/controller.h"

namespace tiphys::controllers {

class ServiceAccountController : public Controller {
 public:
  explicit ServiceAccountController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& namespaces_;
  client::Informer& accounts_;
};

class RootCaPublisher : public Controller {
 public:
  RootCaPublisher(Context context, std::string root_ca_pem);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void round_over(const std::string& key, Duration took, const ApiStatus* error) override;

 private:
  std::string root_ca_pem_;
  client::Informer& namespaces_;
  client::Informer& config_maps_;
};

}  // namespace tiphys::controllers
