#include "apiserver/registry/service_families.h"

#include "apiserver/validation/service.h"
#include "kinds/core_v1.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kFamily = "IPv4";

bool same_list(const ListView<std::string_view>& a, const ListView<std::string_view>& b) {
  return std::ranges::equal(a, b);
}

// clusterIP is the first of clusterIPs: who names one means both.
void align_addresses(core_v1::ServiceSpecEdit spec, const core_v1::ServiceSpec* old) {
  core_v1::ServiceSpec now = spec.view();
  std::string first(now.cluster_ip());
  if (!old) {
    if (!first.empty() && now.cluster_ips().empty()) spec.edit_cluster_ips().append(first);
    return;
  }
  bool list_kept = same_list(now.cluster_ips(), old->cluster_ips());
  bool first_kept = now.cluster_ip() == old->cluster_ip();
  if (first_kept && now.cluster_ips().empty() && !first.empty()) spec.clear_cluster_ip();
  if (first_kept || !list_kept) return;
  spec.clear_cluster_ips();
  if (!first.empty()) spec.edit_cluster_ips().append(first);
}

void check_configured(core_v1::ServiceSpec spec, FieldErrors& errors) {
  if (spec.ip_family_policy() == "RequireDualStack") {
    errors.invalid(FieldPath("spec.ipFamilyPolicy"), spec.ip_family_policy(),
                   "this cluster is not configured for dual-stack services");
  }
  for (size_t i = 0; i < spec.ip_families().size(); ++i) {
    if (spec.ip_families()[i] == kFamily) continue;
    errors.invalid(FieldPath("spec.ipFamilies").index(i), spec.ip_families()[i],
                   "not configured on this cluster");
  }
  for (size_t i = 0; i < spec.cluster_ips().size(); ++i) {
    std::optional<IpAddress> address = parse_ip(spec.cluster_ips()[i]);
    if (!address || !address->v6) continue;
    errors.invalid(FieldPath("spec.clusterIPs").index(i), spec.cluster_ips()[i],
                   "IPv6 is not configured on this cluster");
  }
}

bool same_families(core_v1::ServiceSpec now, core_v1::ServiceSpec before) {
  return same_list(now.ip_families(), before.ip_families()) &&
         now.ip_family_policy() == before.ip_family_policy();
}

}  // namespace

void prepare_service_families(Draft& draft, const Object* old, FieldErrors& errors) {
  core_v1::Service service(draft.root());
  if (service.spec().type() == "ExternalName") return;
  core_v1::Service before;
  if (old) before = core_v1::Service(old->root());
  bool had_address = old && before.spec().type() != "ExternalName";
  core_v1::ServiceSpec old_spec = before.spec();
  align_addresses(core_v1::ServiceEdit(draft).edit_spec(), had_address ? &old_spec : nullptr);
  service = core_v1::Service(draft.root());
  // One that asks for nothing gets what it had.
  bool released = had_address && service.spec().cluster_ip().empty();
  if (!released) validate_cluster_ips(service, had_address ? &before : nullptr, errors);
  if (!errors.empty()) return;
  if (had_address && same_families(service.spec(), old_spec)) return;
  // Of a headless service without selector any family may be asked for: its endpoints decide.
  bool any_family = is_headless(service) && service.spec().selector().empty();
  if (!any_family) check_configured(service.spec(), errors);
}

}  // namespace tiphys::apiserver
