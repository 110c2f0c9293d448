// StorageObjectInUseProtection: claims, volumes and attributes classes get the finalizers that keep
// them while in use. Upstream: plugin/pkg/admission/storage/storageobjectinuseprotection.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

struct Row {
  std::string_view group;
  std::string_view resource;
  std::string_view finalizer;
};

constexpr Row kRows[] = {
    {"", "persistentvolumeclaims", "kubernetes.io/pvc-protection"},
    {"", "persistentvolumes", "kubernetes.io/pv-protection"},
    {"storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection"},
};

class StorageObjectInUseProtection : public PlainPlugin {
 public:
  std::string_view name() const override { return "StorageObjectInUseProtection"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    if (!is_create(request)) return {};
    for (const Row& row : kRows) {
      if (!is_for(request, row.group, row.resource)) continue;
      auto metadata = edit_metadata(*request.object);
      for (std::string_view present : metadata.view().finalizers()) {
        if (present == row.finalizer) return {};
      }
      metadata.edit_finalizers().append(row.finalizer);
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_storage_object_in_use_protection(const AdmissionParts&) {
  return std::make_unique<StorageObjectInUseProtection>();
}

}  // namespace tiphys::apiserver
