// ResourceQuotaController: keeps status.hard and status.used of ResourceQuotas true. Admission
// charges what is created; this controller counts anew when a quota's spec changes, when objects go
// or come to take less, and every five minutes. Changes of a quota's status alone count nothing:
// what admission has charged is not yet in the caches.
// Source: k8s.io/kubernetes pkg/controller/resourcequota; kinds/quota_usage.h says what counts.
#pragma once
#include "controllers/controller.h"
#include "kinds/quota_usage.h"

namespace tiphys::controllers {

class ResourceQuotaController : public Controller {
 public:
  explicit ResourceQuotaController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  Task<void> prepare(StopToken stop) override;
  void ready() override;

 private:
  struct Counted {
    const schema::Resource* resource = nullptr;
    client::Informer* informer = nullptr;
  };
  kinds::ResourceSums count(const Object& quota, const kinds::ResourceNames& names,
                            MicroTime now) const;
  void changed(const schema::Resource& resource, const ObjectPtr& old, const ObjectPtr& now);

  client::Informer& quotas_;
  std::vector<Counted> counted_;
};

}  // namespace tiphys::controllers
