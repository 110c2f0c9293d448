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

// The old single address and the list of addresses say the same.
void align_pod_addresses(Draft& object) {
  core_v1::Pod view(object.root());
  std::string address(view.status().pod_ip());
  if (address.empty() || !view.status().pod_ips().empty()) return;
  core_v1::PodEdit(object).edit_status().edit_pod_ips().append().set_ip(address);
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
  if (resource.group.empty() && resource.resource == "pods") align_pod_addresses(object);
  if (resource.group == "apps" && resource.resource == "daemonsets") {
    annotate_template_generation(object);
  }
  kinds::apply_defaults(object);
}

}  // namespace tiphys::apiserver
