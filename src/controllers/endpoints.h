// The Endpoints controller: the legacy object that lists a Service's pods, one per Service.
// Source: k8s.io/kubernetes pkg/controller/endpoint.
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class EndpointsController : public Controller {
 public:
  explicit EndpointsController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& services_;
  client::Informer& pods_;
  client::Informer& endpoints_;
};

// The Endpoints that a Service with these pods should have; `known` may be null.
ObjectPtr endpoints_of(const Object& service, const std::vector<ObjectPtr>& pods,
                       const ObjectPtr& known);

}  // namespace tiphys::controllers
