// PersistentVolumeClaimResize: only bound claims grow, and only if their storage class lets them.
// Upstream: plugin/pkg/admission/storage/persistentvolume/resize.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"
#include "kinds/storage_v1.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

using core_v1::PersistentVolumeClaim;

constexpr std::string_view kClassAnnotation = "volume.beta.kubernetes.io/storage-class";

Quantity storage_of(const PersistentVolumeClaim& claim) {
  return Quantity::of(claim.spec().resources().requests().find("storage"));
}

std::string_view class_of(const PersistentVolumeClaim& claim) {
  auto annotations = claim.metadata().annotations();
  if (annotations.contains(kClassAnnotation)) return annotations.find(kClassAnnotation);
  return claim.spec().storage_class_name();
}

class PersistentVolumeClaimResize : public PlainPlugin {
 public:
  explicit PersistentVolumeClaimResize(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "PersistentVolumeClaimResize"; }

 protected:
  Result<void> check(const AdmissionRequest& request) override {
    if (!is_for(request, "", "persistentvolumeclaims") || !is_update(request)) return {};
    PersistentVolumeClaim now(*request.object);
    PersistentVolumeClaim old(*request.old_object);
    if (storage_of(now) <= storage_of(old)) return {};
    if (old.status().phase() != "Bound") {
      return denied(request, "Only bound persistent volume claims can be expanded");
    }
    if (may_grow(class_of(now), class_of(old))) return {};
    return denied(request,
                  "only dynamically provisioned pvc can be resized and the storageclass that "
                  "provisions the pvc must support resize");
  }

 private:
  bool may_grow(std::string_view now, std::string_view old) const {
    if (now.empty() || now != old) return false;
    ObjectPtr found = lookup_.get("storage.k8s.io", "storageclasses", "", now);
    return found && storage_v1::StorageClass(*found).allow_volume_expansion();
  }

  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_persistent_volume_claim_resize(const AdmissionParts& parts) {
  return std::make_unique<PersistentVolumeClaimResize>(*parts.lookup);
}

}  // namespace tiphys::apiserver
