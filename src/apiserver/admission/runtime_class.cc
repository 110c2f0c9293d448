// RuntimeClass: a pod's runtime class must exist; its overhead, node selector and tolerations go
// into the pod. Upstream: plugin/pkg/admission/runtimeclass (KEP-688).
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "kinds/node_v1.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

using core_v1::Pod;
using core_v1::PodEdit;

using Resources = MapView<std::string_view>;

bool same(const Resources& a, const Resources& b) {
  if (a.size() != b.size()) return false;
  for (const auto& entry : a) {
    if (!b.contains(entry.key)) return false;
    if (Quantity::of(entry.value) != Quantity::of(b.find(entry.key))) return false;
  }
  return true;
}

bool has_toleration(const core_v1::PodSpec& spec, const core_v1::Toleration& wanted) {
  for (const auto& present : spec.tolerations()) {
    if (equal(present, wanted)) return true;
  }
  return false;
}

class RuntimeClassPlugin : public PlainPlugin {
 public:
  explicit RuntimeClassPlugin(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "RuntimeClass"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !is_create(request)) return {};
    TIPHYS_TRY(ObjectPtr, object, find(request));
    if (!object) return {};
    node_v1::RuntimeClass found(*object);
    if (auto done = set_overhead(request, found); !done) return done;
    return set_scheduling(request, found.scheduling());
  }

  Result<void> check(const AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !is_create(request)) return {};
    TIPHYS_TRY(ObjectPtr, object, find(request));
    core_v1::PodSpec spec = Pod(*request.object).spec();
    bool defined = object && node_v1::RuntimeClass(*object).has_overhead();
    if (!defined && spec.has_overhead()) {
      return denied(request,
                    "pod rejected: Pod Overhead set without corresponding RuntimeClass "
                    "defined Overhead");
    }
    if (defined && !same(spec.overhead(), node_v1::RuntimeClass(*object).overhead().pod_fixed())) {
      return mismatch(request);
    }
    return {};
  }

 private:
  static ApiStatus mismatch(const AdmissionRequest& request) {
    return denied(request,
                  "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }

  // Null if the pod names none.
  Result<ObjectPtr> find(const AdmissionRequest& request) const {
    core_v1::PodSpec spec = Pod(*request.object).spec();
    if (!spec.has_runtime_class_name()) return ObjectPtr();
    ObjectPtr object = lookup_.get("node.k8s.io", "runtimeclasses", "", spec.runtime_class_name());
    if (!object) {
      return denied(request, "pod rejected: RuntimeClass " + go_quote(spec.runtime_class_name()) +
                                 " not found");
    }
    return object;
  }

  static Result<void> set_overhead(AdmissionRequest& request, const node_v1::RuntimeClass& found) {
    if (!found.has_overhead()) return {};
    auto fixed = found.overhead().pod_fixed();
    core_v1::PodSpec spec = Pod(*request.object).spec();
    if (spec.has_overhead() && !same(spec.overhead(), fixed)) return mismatch(request);
    PodEdit(*request.object).edit_spec().set_overhead(fixed);
    return {};
  }

  static Result<void> set_scheduling(AdmissionRequest& request, const node_v1::Scheduling& wanted) {
    core_v1::PodSpec spec = Pod(*request.object).spec();
    for (const auto& entry : wanted.node_selector()) {
      if (!spec.node_selector().contains(entry.key)) continue;
      std::string_view own = spec.node_selector().find(entry.key);
      if (own == entry.value) continue;
      std::string key = "[" + std::string(entry.key) + "] = ";
      return denied(request, "conflict: runtimeClass.scheduling.nodeSelector" + key +
                                 std::string(entry.value) + "; pod.spec.nodeSelector" + key +
                                 std::string(own));
    }
    auto edit = PodEdit(*request.object).edit_spec();
    for (const auto& entry : wanted.node_selector()) {
      edit.edit_node_selector().set(entry.key, entry.value);
    }
    for (const auto& toleration : wanted.tolerations()) {
      if (!has_toleration(edit.view(), toleration)) edit.edit_tolerations().append(toleration);
    }
    return {};
  }

  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_runtime_class(const AdmissionParts& parts) {
  return std::make_unique<RuntimeClassPlugin>(*parts.lookup);
}

}  // namespace tiphys::apiserver
