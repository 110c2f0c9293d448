// NamespaceLifecycle: nothing is made in a namespace that is absent or being deleted, and the first
// namespaces can't be deleted. Upstream: apiserver/pkg/admission/plugin/namespace/lifecycle.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

bool is_immortal(std::string_view name) {
  return name == "default" || name == "kube-system" || name == "kube-public";
}

ApiStatus terminating(const AdmissionRequest& request) {
  ApiStatus status = denied(request, "unable to create new content in namespace " + request.ns +
                                         " because it is being terminated");
  ApiStatus::Data data = status.data();
  data.details.causes.push_back({"NamespaceTerminating",
                                 "namespace " + request.ns + " is being terminated",
                                 "metadata.namespace"});
  return ApiStatus(std::move(data));
}

class NamespaceLifecycle : public PlainPlugin {
 public:
  explicit NamespaceLifecycle(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "NamespaceLifecycle"; }

 protected:
  // Before anything is changed: the error should be this one, not a plugin's that misses an object.
  Result<void> change(AdmissionRequest& request) override {
    bool is_namespace =
        request.resource->group.empty() && request.resource->resource == "namespaces";
    if (is_namespace && is_delete(request) && is_immortal(request.name)) {
      return ApiStatus::forbidden("", "namespaces", request.name,
                                  "this namespace may not be deleted");
    }
    if (request.ns.empty() || is_namespace || is_delete(request)) return {};
    if (request.operation == AdmissionRequest::Operation::kConnect) return {};
    if (request.resource->resource == "localsubjectaccessreviews") return {};
    ObjectPtr object = lookup_.get("", "namespaces", "", request.ns);
    if (!object) return ApiStatus::not_found("", "namespaces", request.ns);
    if (!is_create(request)) return {};
    if (core_v1::Namespace(*object).status().phase() == "Terminating") return terminating(request);
    return {};
  }
  // Again after other plugins took their time.
  Result<void> check(const AdmissionRequest& request) override {
    AdmissionRequest copy = request;
    return change(copy);
  }

 private:
  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_namespace_lifecycle(const AdmissionParts& parts) {
  return std::make_unique<NamespaceLifecycle>(*parts.lookup);
}

}  // namespace tiphys::apiserver
