// The disruption controller: the status of PodDisruptionBudgets, by which evictions are allowed,
// and pods whose announced disruption did not come. What is to do is found by disruption_budget.h.
// Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#pragma once
#include "controllers/controller.h"
#include "controllers/disruption_budget.h"

namespace tiphys::controllers {

class DisruptionController : public Controller {
 public:
  explicit DisruptionController(Context context);

 protected:
  // Keys are those of budgets, or of pods after kPodKey.
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  // A kind whose replicas are read off its own cache.
  struct Scaled {
    const schema::Resource* resource;
    client::Informer* informer;
    int32_t (*replicas)(const Object&);
  };

  void pod_changed(const ObjectPtr& old, const ObjectPtr& now);
  void enqueue_budgets_of(const Object& pod);
  void follow(const schema::Resource& resource, int32_t (*replicas)(const Object&));
  std::optional<PodScale> find_scale(const meta_v1::OwnerReference& owner,
                                     std::string_view ns) const;
  Result<PodScale> scale_of(const ObjectPtr& pod) const;

  client::Informer& budgets_;
  client::Informer& pods_;
  std::vector<Scaled> scaled_;
};

}  // namespace tiphys::controllers
