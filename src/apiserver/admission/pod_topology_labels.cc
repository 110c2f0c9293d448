// PodTopologyLabels: a pod learns its node's zone and region as labels when it is bound (KEP-4742).
// Upstream: plugin/pkg/admission/podtopologylabels.
#include "apiserver/admission/plain_plugin.h"
#include "apiserver/admission/plugins.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kLabels[] = {"topology.kubernetes.io/zone",
                                        "topology.kubernetes.io/region"};

class PodTopologyLabels : public PlainPlugin {
 public:
  explicit PodTopologyLabels(const Lookup& lookup) : lookup_(lookup) {}
  std::string_view name() const override { return "PodTopologyLabels"; }

 protected:
  Result<void> change(AdmissionRequest& request) override {
    const schema::Resource& resource = *request.resource;
    if (!is_create(request) || !resource.group.empty()) return {};
    bool pods = resource.resource == "pods";
    bool binding = resource.resource == "bindings" || (pods && request.subresource == "binding");
    if (binding) {
      copy_labels(core_v1::Binding(*request.object).target().name(), *request.object);
    } else if (pods && request.subresource.empty()) {
      copy_labels(core_v1::Pod(*request.object).spec().node_name(), *request.object);
    }
    return {};
  }

 private:
  void copy_labels(std::string_view node_name, Draft& object) const {
    if (node_name.empty()) return;
    ObjectPtr node = lookup_.get("", "nodes", "", node_name);
    if (!node) return;
    auto labels = metadata(*node).labels();
    for (std::string_view key : kLabels) {
      if (labels.contains(key)) edit_metadata(object).edit_labels().set(key, labels.find(key));
    }
  }

  const Lookup& lookup_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_pod_topology_labels(const AdmissionParts& parts) {
  return std::make_unique<PodTopologyLabels>(*parts.lookup);
}

}  // namespace tiphys::apiserver
