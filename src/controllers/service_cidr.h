// ServiceCidrController: ServiceCIDRs are ready once they have the finalizer that keeps them, and
// go when no address of theirs is left that no other range has. Source: k8s.io/kubernetes
// pkg/controller/servicecidrs (KEP-1880).
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class ServiceCidrController : public Controller {
 public:
  explicit ServiceCidrController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  bool is_needed(const Object& range) const;

  client::Informer& ranges_;
  client::Informer& addresses_;
};

}  // namespace tiphys::controllers
