#include "apiserver/registry/status_rules.h"

#include "apiserver/registry/defaults.h"
#include "apiserver/registry/kind_rules.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "kinds/defaults.h"

namespace tiphys::apiserver {
namespace {

void copy_field(Draft& object, const Object& old, uint16_t index) {
  set_field(object.arena(), object.root(), index, object.arena().clone(old.root().field(index)));
}

// True if anything but metadata and status differs.
bool content_changed(const Draft& object, const Object& old) {
  const schema::Message& type = object.type();
  for (uint16_t i = 0; i < type.fields.size(); ++i) {
    if (static_cast<int16_t>(i) == type.metadata_field) continue;
    if (static_cast<int16_t>(i) == type.status_field) continue;
    if (!equal(object.root().field(i), old.root().field(i))) return true;
  }
  return false;
}

// Upstream's strategy of ServiceCIDRs leaves the status to whoever writes.
bool leaves_status_alone(const schema::Resource& resource) {
  return resource.group == "networking.k8s.io" && resource.resource == "servicecidrs";
}

bool counts_as_change(const schema::Resource& resource, const Draft& object, const Object& old) {
  // Upstream never counts them: what they say of pods is fixed.
  if (resource.resource == "priorityclasses") return false;
  if (content_changed(object, old)) return true;
  if (resource.group == "apps" && resource.resource == "deployments") {
    return !equal(MetaView(object).value("annotations"), MetaView(old).value("annotations"));
  }
  if (resource.resource == "endpointslices") {
    return !equal(MetaView(object).value("labels"), MetaView(old).value("labels"));
  }
  return false;
}

bool is_daemon_set(const schema::Resource& resource) {
  return resource.group == "apps" && resource.resource == "daemonsets";
}

// The deprecated counter of changes of a daemon set's template.
void keep_template_generation(Draft& object, const Object& old) {
  std::string_view before = MetaView(old).annotations().find(kTemplateGeneration).as_text();
  int64_t number = parse_int(before).value_or(1);
  const Value& now = schema::find_path(object.type(), object.root(), {"spec", "template"});
  const Value& was = schema::find_path(old.type(), old.root(), {"spec", "template"});
  if (!equal(now, was)) ++number;
  MetaEdit(object).set_annotation(kTemplateGeneration, std::to_string(number));
}

using Names = std::span<const std::string_view>;

constexpr std::string_view kLabels[] = {"labels"};
// Old kubelets break owner references when they write a pod's status.
constexpr std::string_view kOwners[] = {"ownerReferences"};
// metav1.ResetObjectMetaForStatus
constexpr std::string_view kAllMetadata[] = {"labels", "annotations", "finalizers",
                                             "ownerReferences"};

struct StatusRow {
  std::string_view group;
  std::string_view resource;
  Names kept;
};

constexpr StatusRow kStatusRows[] = {
    {"", "pods", kOwners},
    {"apps", "deployments", kLabels},
    {"networking.k8s.io", "servicecidrs", kAllMetadata},
    {"storage.k8s.io", "volumeattachments", kAllMetadata},
    {"flowcontrol.apiserver.k8s.io", "flowschemas", kAllMetadata},
    {"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", kAllMetadata},
    {"admissionregistration.k8s.io", "validatingadmissionpolicies", kAllMetadata},
    {"apiregistration.k8s.io", "apiservices", kAllMetadata},
    {"resource.k8s.io", "resourceclaims", kAllMetadata},
};

}  // namespace

std::span<const std::string_view> metadata_kept_by_status(const schema::Resource& resource) {
  for (const StatusRow& row : kStatusRows) {
    if (row.resource == resource.resource && row.group == resource.group) return row.kept;
  }
  return {};
}

void prepare_new_object(const schema::Resource& resource, Draft& object) {
  const schema::Message& type = object.type();
  // A node registers itself with the status it has.
  bool registers = resource.group.empty() && resource.resource == "nodes";
  bool keeps_status = registers || leaves_status_alone(resource);
  if (type.status_field >= 0 && !keeps_status && resource.find_subresource("status")) {
    set_field(object.arena(), object.root(), static_cast<uint16_t>(type.status_field), Value());
  }
  if (kind_rules(resource).generation) MetaEdit(object).set_int("generation", 1);
  if (is_daemon_set(resource)) MetaEdit(object).set_annotation(kTemplateGeneration, "1");
  // The defaults of a status that was just dropped.
  kinds::apply_defaults(object);
}

void prepare_changed_object(const schema::Resource& resource, std::string_view subresource,
                            Draft& object, const Object& old) {
  const schema::Message& type = object.type();
  MetaEdit edit(object);
  edit.copy("generation", MetaView(old));
  if (subresource == "status" || subresource == "approval") {
    for (uint16_t i = 0; i < type.fields.size(); ++i) {
      bool own = static_cast<int16_t>(i) == type.status_field ||
                 static_cast<int16_t>(i) == type.metadata_field;
      if (!own) copy_field(object, old, i);
    }
    if (subresource != "status") return;
    for (std::string_view name : metadata_kept_by_status(resource)) edit.copy(name, MetaView(old));
    return;
  }
  // Upstream's binding is no change that generation counts.
  if (subresource == "binding") return;
  bool keeps_status =
      subresource.empty() && resource.find_subresource("status") && !leaves_status_alone(resource);
  if (type.status_field >= 0 && keeps_status) {
    copy_field(object, old, static_cast<uint16_t>(type.status_field));
  }
  if (is_daemon_set(resource) && subresource.empty()) keep_template_generation(object, old);
  if (kind_rules(resource).generation && counts_as_change(resource, object, old)) {
    edit.set_int("generation", MetaView(old).generation() + 1);
  }
}

}  // namespace tiphys::apiserver
