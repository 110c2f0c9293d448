#include "apiserver/registry/object_meta.h"

#include <set>

#include "apiserver/registry/kind_rules.h"
#include "apiserver/validation/names.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {
namespace {

void add_all(FieldErrors& errors, const FieldPath& path, std::string_view value,
             const Messages& messages) {
  for (const std::string& message : messages) errors.invalid(path, value, message);
}

void validate_names(const schema::Resource& resource, const MetaView& meta, const FieldPath& path,
                    FieldErrors& errors) {
  const KindRules& rules = kind_rules(resource);
  if (!meta.generate_name().empty()) {
    add_all(errors, path.child("generateName"), meta.generate_name(),
            check_object_name(rules, meta.generate_name(), true));
  }
  if (meta.name().empty()) {
    errors.required(path.child("name"), "name or generateName is required");
  } else {
    add_all(errors, path.child("name"), meta.name(), check_object_name(rules, meta.name(), false));
  }
  if (!resource.namespaced) {
    if (!meta.ns().empty()) errors.forbidden(path.child("namespace"), "not allowed on this type");
  } else if (meta.ns().empty()) {
    errors.required(path.child("namespace"));
  } else {
    add_all(errors, path.child("namespace"), meta.ns(),
            check_name_is_dns1123_label(meta.ns(), false));
  }
}

void validate_owners(const MetaView& meta, const FieldPath& path, FieldErrors& errors) {
  std::string controller;
  for (const Value& item : meta.value("ownerReferences").as_node().items()) {
    meta_v1::OwnerReference owner(item.as_node());
    FieldPath at = path.child("ownerReferences");
    if (owner.api_version().empty()) {
      errors.invalid(at.child("apiVersion"), owner.api_version(), "version must not be empty");
    }
    if (owner.kind().empty()) errors.invalid(at.child("kind"), "", "must not be empty");
    if (owner.name().empty()) errors.invalid(at.child("name"), "", "must not be empty");
    if (owner.uid().empty()) errors.invalid(at.child("uid"), "", "must not be empty");
    if (owner.api_version() == "v1" && owner.kind() == "Event") {
      errors.invalid_raw(at, "v1.OwnerReference",
                         "/v1, Kind=Event is disallowed from being an owner");
    }
    if (!owner.controller()) continue;
    if (!controller.empty()) {
      errors.invalid_raw(at, "[]v1.OwnerReference",
                         "Only one reference can have Controller set to true. Found \"true\" in "
                         "references for " +
                             controller + " and " + std::string(owner.name()));
    } else {
      controller = owner.name();
    }
  }
}

bool is_standard_finalizer(std::string_view name) {
  return name == "kubernetes" || name == "orphan" || name == "foregroundDeletion";
}

void validate_finalizers(const MetaView& meta, bool plain, const FieldPath& path,
                         FieldErrors& errors) {
  std::vector<std::string_view> names = meta.finalizers();
  bool orphan = false;
  bool foreground = false;
  for (std::string_view name : names) {
    add_all(errors, path.child("finalizers"), name, check_qualified_name(name));
    orphan |= name == "orphan";
    foreground |= name == "foregroundDeletion";
  }
  if (orphan && foreground) {
    errors.invalid_raw(path.child("finalizers"), "[]string",
                       "finalizer orphan and foregroundDeletion cannot be both set");
  }
  for (size_t i = 0; i < names.size() && !plain; ++i) {
    bool qualified = names[i].find('/') != std::string_view::npos;
    if (qualified || is_standard_finalizer(names[i])) continue;
    errors.invalid(path.child("finalizers").index(i), names[i],
                   "name is neither a standard finalizer name nor is it fully qualified");
  }
}

void validate_maps(const MetaView& meta, const FieldPath& path, FieldErrors& errors) {
  validate_labels(MapView<std::string_view>(meta.labels()), path.child("labels"), errors);
  validate_annotations(MapView<std::string_view>(meta.annotations()), path.child("annotations"),
                       errors);
}

void check_same(const MetaView& meta, const MetaView& old, std::string_view field,
                FieldErrors& errors) {
  const Value& now = meta.value(field);
  if (equal(now, old.value(field))) return;
  FieldPath path = FieldPath("metadata").child(field);
  if (now.is_null() && (field == "deletionTimestamp" || field == "deletionGracePeriodSeconds")) {
    errors.invalid_raw(path, "null", "field is immutable");
  } else if (field == "deletionTimestamp" || field == "creationTimestamp") {
    errors.invalid(path, format_rfc3339(now.as_int()), "field is immutable");
  } else if (now.type == ValueType::kInt) {
    errors.invalid(path, now.as_int(), "field is immutable");
  } else {
    errors.invalid(path, now.as_text(), "field is immutable");
  }
}

void forbid_new_finalizers(const MetaView& meta, const MetaView& old, FieldErrors& errors) {
  std::string added;
  std::vector<std::string_view> before = old.finalizers();
  std::set<std::string_view> known(before.begin(), before.end());
  for (std::string_view name : meta.finalizers()) {
    if (known.contains(name)) continue;
    if (!added.empty()) added += ", ";
    added += go_quote(name);
  }
  if (added.empty()) return;
  errors.forbidden(FieldPath("metadata").child("finalizers"),
                   "no new finalizers can be added if the object is being deleted, found new "
                   "finalizers []string{" +
                       added + "}");
}

// How often upstream's strategy of a kind checks metadata at an update, beyond the generic check:
// against the old one, and as at creation. Clients see each error as often.
struct MetaPasses {
  std::string_view group;
  std::string_view resource;
  uint8_t updates = 1;
  uint8_t whole = 0;
  uint8_t status_updates = 1;
};

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";

constexpr MetaPasses kMetaPasses[] = {
    {"", "configmaps", 1, 1},
    {"", "endpoints", 1, 1},
    {"", "pods", 1, 1},
    {"", "secrets", 1, 1},
    {"", "serviceaccounts", 1, 1},
    {"apps", "controllerrevisions", 1, 1},
    {"apps", "daemonsets", 1, 1},
    {"apps", "replicasets", 1, 1},
    {"batch", "cronjobs", 1, 0, 0},
    {"batch", "jobs", 1, 1},
    {"discovery.k8s.io", "endpointslices", 0, 1},
    {"networking.k8s.io", "ingressclasses", 1, 1},
    {"networking.k8s.io", "ingresses", 1, 1},
    {"networking.k8s.io", "ipaddresses", 1, 1},
    {"networking.k8s.io", "networkpolicies", 1, 1},
    {"policy", "poddisruptionbudgets", 0, 0, 0},
    {kRbac, "clusterrolebindings", 1, 2},
    {kRbac, "clusterroles", 1, 2},
    {kRbac, "rolebindings", 1, 2},
    {kRbac, "roles", 1, 2},
};

MetaPasses meta_passes(const schema::Resource& resource) {
  for (const MetaPasses& row : kMetaPasses) {
    if (row.resource == resource.resource && row.group == resource.group) return row;
  }
  return {};
}

void validate_update_once(const schema::Resource& resource, const MetaView& meta,
                          const MetaView& old, FieldErrors& errors) {
  FieldPath path("metadata");
  if (old.deleting()) forbid_new_finalizers(meta, old, errors);
  if (meta.generation() < old.generation()) {
    errors.invalid(path.child("generation"), meta.generation(), "must not be decremented");
  }
  for (std::string_view field : {"name", "namespace", "uid", "creationTimestamp",
                                 "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    check_same(meta, old, field, errors);
  }
  validate_maps(meta, path, errors);
  validate_owners(meta, path, errors);
  validate_finalizers(meta, kind_rules(resource).plain_finalizers, path, errors);
}

}  // namespace

void validate_object_meta(const schema::Resource& resource, const MetaView& meta,
                          FieldErrors& errors) {
  FieldPath path("metadata");
  validate_names(resource, meta, path, errors);
  if (meta.generation() < 0) {
    errors.invalid(path.child("generation"), meta.generation(),
                   "must be greater than or equal to 0");
  }
  validate_maps(meta, path, errors);
  validate_owners(meta, path, errors);
  validate_finalizers(meta, kind_rules(resource).plain_finalizers, path, errors);
}

void validate_object_meta_update(const schema::Resource& resource, std::string_view subresource,
                                 const MetaView& meta, const MetaView& old, FieldErrors& errors) {
  size_t before = errors.size();
  validate_update_once(resource, meta, old, errors);
  bool found = errors.size() != before;
  MetaPasses passes = meta_passes(resource);
  if (subresource == "status") passes = {.updates = passes.status_updates};
  for (int i = 0; i < passes.whole; ++i) validate_object_meta(resource, meta, errors);
  // Where nothing is wrong, looking again finds nothing.
  for (int i = 0; found && i < passes.updates; ++i) {
    validate_update_once(resource, meta, old, errors);
  }
}

}  // namespace tiphys::apiserver
