// ResourceQuotaController: keeps status.hard and status.used of ResourceQuotas true. Admission
// charges what is created; this controller counts anew when a quota's spec changes, when objects go
// or come to take less, and every five minutes. Changes of a quota's status alone count nothing:
// what admission has charged is not yet in the caches. Objects of every resource that the server
// serves are counted, custom ones too; what can't be counted keeps its number.
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
    bool served = true;
  };
  struct Count {
    kinds::ResourceSums used;
    bool whole = true;  // false: some of it can't be listed yet
  };
  Count count(const Object& quota, const kinds::ResourceNames& names, MicroTime now) const;
  void follow(const schema::Resource& resource, bool served);
  void changed(const schema::Resource& resource, const ObjectPtr& old, const ObjectPtr& now);

  client::Informer& quotas_;
  std::vector<Counted> counted_;
};

}  // namespace tiphys::controllers
