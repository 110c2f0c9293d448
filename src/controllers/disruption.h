// The disruption controller: the status of PodDisruptionBudgets, by which evictions are allowed,
// and pods whose announced disruption did not come. What is to do is found by disruption_budget.h.
// Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#pragma once
#include <map>

#include "controllers/controller.h"
#include "controllers/disruption_budget.h"

namespace tiphys::controllers {

class DisruptionController : public Controller {
 public:
  explicit DisruptionController(Context context);

 protected:
  // Keys are those of budgets, or of pods after kPodKey.
  Decision reconcile(const std::string& key, MicroTime now) override;
  // Asks first for the scales of owners that are not in caches.
  Task<Result<void>> sync(std::string key) override;

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
  // An owner of a kind that the schema doesn't know.
  struct Stranger {
    std::string ns;
    std::string api_version;
    std::string kind;
    std::string name;
    std::string uid;
  };
  std::vector<Stranger> strangers_of(const std::string& key) const;
  Task<Result<PodScale>> ask_scale(Stranger owner);

  client::Informer& budgets_;
  client::Informer& pods_;
  std::vector<Scaled> scaled_;
  std::map<std::string, Result<PodScale>, std::less<>> asked_;  // in this look, by owner's uid
};

}  // namespace tiphys::controllers
