// The EndpointSlice controller: a Service's pods in slices of at most 100 endpoints, changing as
// few slices as it can. Source:
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
#pragma once
#include "controllers/controller.h"
#include "controllers/service_pods.h"

namespace tiphys::controllers {

inline constexpr size_t kMaxEndpointsPerSlice = 100;

class EndpointSliceController : public Controller {
 public:
  explicit EndpointSliceController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  void slice_changed(const Object& slice);

  client::Informer& services_;
  client::Informer& pods_;
  client::Informer& slices_;
  client::Informer& nodes_;
};

struct SliceWorld {
  ObjectPtr service;
  std::vector<ObjectPtr> pods;    // that the Service selects
  std::vector<ObjectPtr> slices;  // of the Service, managed by this controller
  std::function<std::string(std::string_view node)> zone_of;
};
// The creations, updates and deletions that make the slices right. Pure.
Decision plan_slices(const SliceWorld& world);

}  // namespace tiphys::controllers
