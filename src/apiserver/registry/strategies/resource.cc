// Strategies of resource.k8s.io. Upstream: pkg/registry/resource.
#include "apiserver/registry/meta.h"
#include "apiserver/registry/strategies/builtin.h"
#include "apiserver/validation/device_allocation.h"
#include "kinds/core_v1.h"

namespace tiphys::apiserver {
namespace {

using resource_v1::ResourceClaim;

constexpr std::string_view kAdminLabel = "resource.kubernetes.io/admin-access";

// Administrators' access to devices is for the namespaces that are labelled for it.
void check_admin_namespace(const StrategyContext& context, std::string_view ns,
                           const FieldPath& path, FieldErrors& errors) {
  ObjectPtr found = context.lookup->get("", "namespaces", "", ns);
  if (!found) {
    errors.internal(path, "could not retrieve namespace to verify admin access: namespaces \"" +
                              std::string(ns) + "\" not found");
    return;
  }
  if (MetaView(*found).labels().find(kAdminLabel).as_text() == "true") return;
  errors.forbidden(path, "admin access to devices requires the `" + std::string(kAdminLabel) +
                             ": true` label on the containing namespace");
}

// At creation alone: specs do not change. The path is upstream's, of templates too.
void check_admin_requests(const StrategyContext& context, const Object& object,
                          resource_v1::DeviceClaim claim, FieldErrors& errors) {
  FieldPath requests("spec.devices.requests");
  size_t i = 0;
  for (resource_v1::DeviceRequest request : claim.requests()) {
    FieldPath path = requests.index(i++).child("adminAccess");
    if (!request.exactly().admin_access()) continue;
    return check_admin_namespace(context, MetaView(object).ns(), path, errors);
  }
}

void check_admin_template(const StrategyContext& context, const Object& object, const Object* old,
                          FieldErrors& errors) {
  if (old) return;
  resource_v1::ResourceClaimTemplate item(object);
  check_admin_requests(context, object, item.spec().spec().devices(), errors);
}

// The first result with administrators' access; -1: none has it.
int64_t find_admin_result(ResourceClaim claim) {
  int64_t i = 0;
  for (auto result : claim.status().allocation().devices().results()) {
    if (result.admin_access()) return i;
    ++i;
  }
  return -1;
}

void check_admin_results(const StrategyContext& context, const Object& object, const Object& old,
                         FieldErrors& errors) {
  int64_t found = find_admin_result(ResourceClaim(object));
  if (found < 0 || find_admin_result(ResourceClaim(old)) >= 0) return;
  FieldPath results("status.allocation.devices.results");
  check_admin_namespace(context, MetaView(object).ns(),
                        results.index(static_cast<size_t>(found)).child("adminAccess"), errors);
}

// Statuses of devices go with their allocation.
void drop_deallocated_devices(Draft& object, const Object& old) {
  std::set<std::string> gone = allocated_devices(ResourceClaim(old));
  resource_v1::ResourceClaimEdit claim(object);
  for (const std::string& device : allocated_devices(claim.view())) gone.erase(device);
  if (gone.empty() || !claim.view().status().has_devices()) return;
  auto devices = claim.edit_status().edit_devices();
  for (size_t i = devices.size(); i-- > 0;) {
    if (gone.contains(shared_device(devices.view()[i]))) devices.erase(i);
  }
  if (devices.empty()) claim.edit_status().clear_devices();
}

}  // namespace

Strategy resource_claim_strategy() {
  return {.prepare_for_update =
              [](const StrategyContext& context, Draft& object, const Object& old) {
                if (context.subresource == "status") drop_deallocated_devices(object, old);
              },
          .validate_first =
              [](const StrategyContext& context, const Object& object, const Object* old,
                 FieldErrors& errors) {
                if (!old)
                  return check_admin_requests(context, object,
                                              ResourceClaim(object).spec().devices(), errors);
                if (context.subresource == "status") {
                  check_admin_results(context, object, *old, errors);
                }
              }};
}

Strategy resource_claim_template_strategy() { return {.validate_first = check_admin_template}; }

}  // namespace tiphys::apiserver
