// PvcProtection, PvProtection and VacProtection: let go of claims, volumes and
// VolumeAttributesClasses that are being deleted once nobody uses them (the finalizers
// kubernetes.io/pvc-protection, pv-protection and vac-protection, set by admission).
// Source:
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
#pragma once
#include "controllers/controller.h"

namespace tiphys::controllers {

class PvcProtection : public Controller {
 public:
  explicit PvcProtection(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& claims_;
  client::Informer& pods_;
};

class PvProtection : public Controller {
 public:
  explicit PvProtection(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& volumes_;
};

// In use: by a volume, and by a claim that has it, wants it or is on its way to it.
class VacProtection : public Controller {
 public:
  explicit VacProtection(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override;

 private:
  client::Informer& classes_;
  client::Informer& claims_;
  client::Informer& volumes_;
};

}  // namespace tiphys::controllers
