// The Endpoints controller: the legacy object that lists a Service's pods, one per Service and of
// its first address family only. Source: k8s.io/kubernetes pkg/controller/endpoint. Endpoints that
// are there before their Service, or without one, are somebody else's and stay, unless the label
// says that they were made here; those of a Service that is deleted go with it, as upstream's do.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "controllers/trigger_times.h"

namespace tiphys::controllers {

class EndpointsController : public Controller {
 public:
  struct Options {
    Duration batch_period{};  // --endpoint-updates-batch-period: how long pods' changes wait
  };
  EndpointsController(Context context, Options options);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  Decision after_deletion(const std::string& key, const ObjectPtr& known);

  client::Informer& services_;
  client::Informer& pods_;
  client::Informer& endpoints_;
  TriggerTimes triggers_;
  std::set<std::string, std::less<>> deleted_;  // Services that were seen to go
};

// The Endpoints that a Service with these pods should have; null: `known`, which may be null, is
// right but for its trigger time.
ObjectPtr endpoints_of(const Object& service, const std::vector<ObjectPtr>& pods,
                       const ObjectPtr& known, std::optional<MicroTime> trigger);

}  // namespace tiphys::controllers
