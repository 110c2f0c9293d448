// EphemeralVolume: makes the PersistentVolumeClaims of pods' generic ephemeral volumes, named
// "<pod>-<volume>" and owned by the pod. Source:
// https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class EphemeralVolume : public Controller {
 public:
  explicit EphemeralVolume(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;
  void outcome(const std::string& key, const Action& action, const ApiStatus* error) override;

 private:
  client::Informer& pods_;
  client::Informer& claims_;
};

}  // namespace tiphys::controllers
