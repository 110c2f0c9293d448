// DefaultStorageClass: a claim that names no class gets the default one: of several the newest,
// then the first by name. Upstream: plugin/pkg/admission/storage/storageclass/setdefault.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"
#include "kinds/storage_v1.h"

namespace tiphys::apiserver {
namespace {

using storage_v1::StorageClass;

constexpr std::string_view kDefault = "storageclass.kubernetes.io/is-default-class";
constexpr std::string_view kBetaDefault = "storageclass.beta.kubernetes.io/is-default-class";
constexpr std::string_view kBetaClass = "volume.beta.kubernetes.io/storage-class";

bool is_default(const StorageClass& object) {
  auto annotations = object.metadata().annotations();
  return annotations.find(kDefault) == "true" || annotations.find(kBetaDefault) == "true";
}

class DefaultStorageClass : public PlainPlugin {
 public:
  explicit DefaultStorageClass(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "DefaultStorageClass"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    if (!is_for(request, "", "persistentvolumeclaims") || !is_create(request)) return {};
    core_v1::PersistentVolumeClaim claim(*request.object);
    // An empty name is a wish too: no class.
    if (claim.spec().has_storage_class_name() ||
        claim.metadata().annotations().contains(kBetaClass)) {
      return {};
    }
    ObjectPtr best;
    for (const ObjectPtr& object : lookup_.list("storage.k8s.io", "storageclasses", "")) {
      StorageClass candidate(*object);
      if (!is_default(candidate)) continue;
      MicroTime made = candidate.metadata().creation_timestamp();
      if (!best || made > StorageClass(*best).metadata().creation_timestamp()) best = object;
    }
    if (!best) return {};
    core_v1::PersistentVolumeClaimEdit(*request.object)
        .edit_spec()
        .set_storage_class_name(StorageClass(*best).metadata().name());
    return {};
  }

 private:
  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_default_storage_class(const AdmissionParts& parts) {
  return std::make_unique<DefaultStorageClass>(*parts.lookup);
}

}  // namespace tiphys::apiserver
