// The strategy of namespaces: finalizers of the spec, the phase. Upstream:
// pkg/registry/core/namespace/strategy.go.
#include <algorithm>

#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/validation/names.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kFinalizer = "kubernetes";
constexpr std::string_view kStandardFinalizers[] = {kFinalizer, "orphan", "foregroundDeletion"};

void prepare(const StrategyContext&, Draft& object) {
  core_v1::NamespaceEdit edit(object);
  edit.clear_status();
  edit.edit_status().set_phase("Active");
  bool has = std::ranges::count(core_v1::Namespace(object.root()).spec().finalizers(), kFinalizer);
  if (!has) edit.edit_spec().edit_finalizers().append(kFinalizer);
}

// Only `finalize` changes the spec, only `status` the status.
void prepare_update(const StrategyContext& context, Draft& object, const Object& old) {
  core_v1::NamespaceEdit edit(object);
  core_v1::Namespace before(old);
  if (context.subresource == "finalize") {
    edit.set_status(before.status());
  } else {
    edit.set_spec(before.spec());
  }
}

void check_finalizer(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  for (const std::string& message : check_qualified_name(name)) errors.invalid(path, name, message);
  bool known =
      name.find('/') != std::string_view::npos || std::ranges::count(kStandardFinalizers, name) > 0;
  if (!known) {
    errors.invalid(path, name,
                   "name is neither a standard finalizer name nor is it fully qualified");
  }
}

void validate(const StrategyContext&, const Object& object, FieldErrors& errors) {
  FieldPath path = FieldPath("spec").child("finalizers");
  for (std::string_view name : core_v1::Namespace(object).spec().finalizers()) {
    check_finalizer(name, path, errors);
  }
}

void validate_finalize(core_v1::Namespace ns, FieldErrors& errors) {
  FieldPath path = FieldPath("spec").child("finalizers");
  for (size_t i = 0; i < ns.spec().finalizers().size(); ++i) {
    check_finalizer(ns.spec().finalizers()[i], path.index(i), errors);
  }
}

void validate_status(core_v1::Namespace ns, FieldErrors& errors) {
  FieldPath path = FieldPath("status").child("Phase");  // as upstream writes it
  std::string_view phase = ns.status().phase();
  bool deleting = ns.metadata().has_deletion_timestamp();
  if (!deleting && phase != "Active") {
    errors.invalid(path, phase, "may only be 'Active' if `deletionTimestamp` is empty");
  }
  if (deleting && phase != "Terminating") {
    errors.invalid(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
  }
}

void validate_update(const StrategyContext& context, const Object& object, const Object&,
                     FieldErrors& errors) {
  if (context.subresource == "finalize") validate_finalize(core_v1::Namespace(object), errors);
  if (context.subresource == "status") validate_status(core_v1::Namespace(object), errors);
}

}  // namespace

Strategy namespace_strategy() {
  return {.prepare_for_create = prepare,
          .prepare_for_update = prepare_update,
          .validate = validate,
          .validate_update = validate_update};
}

}  // namespace tiphys::apiserver
