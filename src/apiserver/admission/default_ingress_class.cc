// DefaultIngressClass: an Ingress that names no class gets the default one.
// Upstream: plugin/pkg/admission/network/defaultingressclass.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

using networking_v1::IngressClass;

constexpr std::string_view kDefault = "ingressclass.kubernetes.io/is-default-class";
constexpr std::string_view kOldClass = "kubernetes.io/ingress.class";

class DefaultIngressClass : public PlainPlugin {
 public:
  explicit DefaultIngressClass(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "DefaultIngressClass"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    if (!is_for(request, "networking.k8s.io", "ingresses") || !is_create(request)) return {};
    networking_v1::Ingress ingress(*request.object);
    if (ingress.spec().has_ingress_class_name() ||
        ingress.metadata().annotations().contains(kOldClass)) {
      return {};
    }
    ObjectPtr best;
    for (const ObjectPtr& object : lookup_.list("networking.k8s.io", "ingressclasses", "")) {
      IngressClass candidate(*object);
      if (candidate.metadata().annotations().find(kDefault) != "true") continue;
      MicroTime made = candidate.metadata().creation_timestamp();
      if (!best || made > IngressClass(*best).metadata().creation_timestamp()) best = object;
    }
    if (!best) return {};
    networking_v1::IngressEdit(*request.object)
        .edit_spec()
        .set_ingress_class_name(IngressClass(*best).metadata().name());
    return {};
  }

 private:
  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_default_ingress_class(const AdmissionParts& parts) {
  return std::make_unique<DefaultIngressClass>(*parts.lookup);
}

}  // namespace tiphys::apiserver
