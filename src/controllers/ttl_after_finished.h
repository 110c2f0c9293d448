// TTL after finished: deletes Jobs with their pods some time after they ended
// (spec.ttlSecondsAfterFinished).
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
#pragma once
#include <optional>

#include "controllers/controller.h"

namespace tiphys::controllers {

// When the Job is to go; nothing: never, as far as is known now.
std::optional<MicroTime> job_expires_at(const Object& job);

class TtlAfterFinished : public Controller {
 public:
  explicit TtlAfterFinished(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  // Asks the server before it deletes: the time to live may have just been changed.
  Task<Result<void>> sync(std::string key) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  client::Informer& jobs_;
};

}  // namespace tiphys::controllers
