#include "apiserver/registry/defaults.h"

#include "apiserver/registry/meta.h"
#include "kinds/core_v1.h"
#include "kinds/defaults.h"

namespace tiphys::apiserver {
namespace {

// stringData is write-only: it becomes data.
void merge_string_data(Draft& object) {
  core_v1::SecretEdit secret(object);
  core_v1::Secret view(object.root());
  if (!view.has_string_data()) return;
  auto data = secret.edit_data();
  for (auto entry : view.string_data()) data.set(entry.key, entry.value);
  secret.clear_string_data();
}

// The old single address and the list of addresses say the same; where they don't, the old one
// holds.
void align_pod_addresses(Draft& object) {
  core_v1::PodStatus view = core_v1::Pod(object.root()).status();
  std::string address(view.pod_ip());
  std::string first(view.pod_ips().empty() ? "" : view.pod_ips()[0].ip());
  if (address == first) return;
  core_v1::PodStatusEdit status = core_v1::PodEdit(object).edit_status();
  if (address.empty()) {
    status.set_pod_ip(first);
    return;
  }
  status.clear_pod_ips();
  status.edit_pod_ips().append().set_ip(address);
}

void align_node_ranges(Draft& object) {
  core_v1::NodeSpec view = core_v1::Node(object.root()).spec();
  std::string range(view.pod_cidr());
  std::string first(view.pod_cidrs().empty() ? "" : view.pod_cidrs()[0]);
  if (range == first) return;
  core_v1::NodeSpecEdit spec = core_v1::NodeEdit(object).edit_spec();
  if (range.empty()) {
    spec.set_pod_cidr(first);
    return;
  }
  spec.clear_pod_cidrs();
  spec.edit_pod_cidrs().append(range);
}

// Of pods only: templates keep what they say.
void raise_grace_period(Draft& object) {
  if (core_v1::Pod(object.root()).spec().termination_grace_period_seconds() >= 0) return;
  core_v1::PodEdit(object).edit_spec().set_termination_grace_period_seconds(1);
}

// Upstream keeps this deprecated field as an annotation; it is there from the first moment.
void annotate_template_generation(Draft& object) {
  if (MetaView(object).annotations().find(kTemplateGeneration).is_null()) {
    MetaEdit(object).set_annotation(kTemplateGeneration, "0");
  }
}

}  // namespace

void apply_defaults(const schema::Resource& resource, Draft& object) {
  if (&object.type() != resource.message) return;
  if (resource.group.empty() && resource.resource == "secrets") merge_string_data(object);
  if (resource.group.empty() && resource.resource == "pods") {
    align_pod_addresses(object);
    raise_grace_period(object);
  }
  if (resource.group.empty() && resource.resource == "nodes") align_node_ranges(object);
  if (resource.group == "apps" && resource.resource == "daemonsets") {
    annotate_template_generation(object);
  }
  kinds::apply_defaults(object);
}

}  // namespace tiphys::apiserver
