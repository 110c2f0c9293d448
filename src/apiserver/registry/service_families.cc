#include "apiserver/registry/service_families.h"

#include <algorithm>

#include "apiserver/validation/rules.h"
#include "apiserver/validation/service.h"
#include "kinds/core_v1.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

using Spec = core_v1::ServiceSpec;
using SpecEdit = core_v1::ServiceSpecEdit;
using Families = std::span<const std::string_view>;

constexpr std::string_view kSingle = "SingleStack";
constexpr std::string_view kPrefer = "PreferDualStack";
constexpr std::string_view kRequire = "RequireDualStack";
constexpr size_t kMostFamilies = 2;

bool has_address(Spec spec) { return spec.type() != "ExternalName"; }

bool same_addresses(Spec a, Spec b) { return std::ranges::equal(a.cluster_ips(), b.cluster_ips()); }
bool same_families(Spec a, Spec b) { return std::ranges::equal(a.ip_families(), b.ip_families()); }

bool any_family(core_v1::Service service) {
  return service.spec().cluster_ip() == "None" && service.spec().selector().empty();
}

std::string other_family(std::string_view family) { return family == "IPv4" ? "IPv6" : "IPv4"; }

std::string family_of(std::string_view address) {
  std::optional<IpAddress> parsed = parse_ip(address);
  return !parsed ? "unknown" : parsed->v6 ? "IPv6" : "IPv4";
}

void keep_addresses(SpecEdit spec, Spec old) {
  if (!has_address(spec.view()) || !has_address(old)) return;
  if (spec.view().cluster_ip().empty()) spec.set_cluster_ip(old.cluster_ip());
  if (!spec.view().cluster_ips().empty()) return;
  for (std::string_view address : old.cluster_ips()) spec.edit_cluster_ips().append(address);
}

// clusterIP is the first of clusterIPs: who names one means both.
void align_addresses(SpecEdit spec, const Spec* old) {
  std::string first(spec.view().cluster_ip());
  if (!old) {
    bool only_first = !first.empty() && spec.view().cluster_ips().empty();
    if (only_first) spec.edit_cluster_ips().append(first);
    return;
  }
  if (first == old->cluster_ip() || !same_addresses(spec.view(), *old)) return;
  spec.clear_cluster_ips();
  bool cleared = first.empty() && !old->cluster_ip().empty();
  if (!cleared) spec.edit_cluster_ips().append(first);
}

// A service that likes two families has what it got: the cluster's turning dual stack changes
// nothing of it.
bool keeps_preference(Spec now, Spec old) {
  return now.ip_family_policy() == kPrefer && now.type() == old.type() &&
         (!old.has_ip_family_policy() || old.ip_family_policy() == kPrefer) &&
         same_addresses(now, old) && same_families(now, old);
}

void default_policy(core_v1::ServiceEdit service, const Spec* old) {
  SpecEdit spec = service.edit_spec();
  if (spec.view().has_ip_family_policy()) return;
  if (old && old->has_ip_family_policy()) {
    spec.set_ip_family_policy(old->ip_family_policy());
  } else {
    spec.set_ip_family_policy(any_family(service.view()) ? kRequire : kSingle);
  }
}

void refuse_policy(Spec spec, std::string_view why, FieldErrors& errors) {
  errors.invalid(FieldPath("spec.ipFamilyPolicy"), spec.ip_family_policy(), why);
}

// Only who says SingleStack gives up a second family.
void release_second(SpecEdit spec, Spec old, FieldErrors& errors) {
  Spec now = spec.view();
  if (now.ip_family_policy() == kSingle) {
    bool addresses = same_addresses(now, old) && now.cluster_ips().size() > 1;
    bool families = same_families(now, old) && now.ip_families().size() > 1;
    if (addresses) spec.edit_cluster_ips().erase(1);
    if (families) spec.edit_ip_families().erase(1);
    return;
  }
  auto reduced = [](size_t size, size_t before) { return size > 0 && size < before; };
  if (reduced(now.cluster_ips().size(), old.cluster_ips().size())) {
    refuse_policy(now, "must be 'SingleStack' to release the secondary cluster IP", errors);
  }
  if (reduced(now.ip_families().size(), old.ip_families().size())) {
    refuse_policy(now, "must be 'SingleStack' to release the secondary IP family", errors);
  }
}

void check_single(Spec spec, FieldErrors& errors) {
  if (spec.ip_family_policy() != kSingle) return;
  constexpr std::string_view kMust =
      "must be 'RequireDualStack' or 'PreferDualStack' when multiple ";
  if (spec.cluster_ips().size() == kMostFamilies) {
    refuse_policy(spec, std::string(kMust) + "cluster IPs are specified", errors);
  }
  if (spec.ip_families().size() == kMostFamilies) {
    refuse_policy(spec, std::string(kMust) + "IP families are specified", errors);
  }
}

bool is_served(Families families, std::string_view family) {
  return std::ranges::find(families, family) != families.end();
}

void infer_families(SpecEdit spec, Families families, FieldErrors& errors) {
  for (size_t i = 0; i < spec.view().cluster_ips().size(); ++i) {
    std::string_view address = spec.view().cluster_ips()[i];
    if (address == "None") return;
    if (i < spec.view().ip_families().size()) continue;
    std::string family = family_of(address);
    if (is_served(families, family)) {
      spec.edit_ip_families().append(family);
    } else {
      errors.invalid_raw(FieldPath("spec.clusterIPs").index(i),
                         printed_field(Spec::message_type(), spec.view().node(), "clusterIPs"),
                         family + " is not configured on this cluster");
    }
  }
}

void check_served(Spec spec, Families families, FieldErrors& errors) {
  if (spec.ip_family_policy() == kRequire && families.size() < kMostFamilies) {
    refuse_policy(spec, "this cluster is not configured for dual-stack services", errors);
  }
  for (size_t i = 0; i < spec.ip_families().size(); ++i) {
    if (is_served(families, spec.ip_families()[i])) continue;
    errors.invalid(FieldPath("spec.ipFamilies").index(i), spec.ip_families()[i],
                   "not configured on this cluster");
  }
}

void complete_families(SpecEdit spec, std::string_view first, bool dual) {
  auto families = spec.edit_ip_families();
  if (families.empty()) families.append(first);
  bool missing = families.size() == 1 && spec.view().ip_family_policy() != kSingle;
  if (missing && dual) families.append(other_family(families[0]));
}

}  // namespace

void prepare_service_families(Draft& draft, const Object* old, Families families,
                              FieldErrors& errors) {
  core_v1::ServiceEdit service(draft);
  SpecEdit spec = service.edit_spec();
  core_v1::Service before;
  if (old) before = core_v1::Service(old->root());
  Spec old_spec = before.spec();
  if (old) keep_addresses(spec, old_spec);
  align_addresses(spec, old ? &old_spec : nullptr);
  if (!has_address(spec.view()) || (old && keeps_preference(spec.view(), old_spec))) return;
  default_policy(service, old ? &old_spec : nullptr);
  validate_cluster_ips(service.view(), old ? &before : nullptr, errors);
  if (!errors.empty()) return;
  if (old) release_second(spec, old_spec, errors);
  check_single(spec.view(), errors);
  infer_families(spec, families, errors);
  if (!errors.empty()) return;
  // Of a headless service without selector any family may be asked for: its endpoints decide.
  bool free = any_family(service.view());
  if (!free) check_served(spec.view(), families, errors);
  if (!errors.empty()) return;
  complete_families(spec, families[0], free || families.size() == kMostFamilies);
}

}  // namespace tiphys::apiserver
