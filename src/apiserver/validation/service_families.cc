// Cluster IPs of Services and their IP families.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/rules.h"
#include "apiserver/validation/service.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kFamilies[] = {"IPv4", "IPv6"};
constexpr std::string_view kPolicies[] = {"PreferDualStack", "RequireDualStack", "SingleStack"};
constexpr size_t kMaxAddresses = 2;

using Texts = ListView<std::string_view>;

std::string printed(core_v1::Service service, std::string_view field) {
  return printed_field(core_v1::ServiceSpec::message_type(), service.spec().node(), field);
}

bool is_external_name(core_v1::Service service) { return service.spec().type() == "ExternalName"; }

bool is_v6(std::string_view text) {
  std::optional<IpAddress> address = parse_ip(text);
  return address && address->v6;
}

void validate_families(core_v1::ServiceSpec spec, FieldErrors& errors) {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < spec.ip_families().size(); ++i) {
    std::string_view family = spec.ip_families()[i];
    FieldPath at = FieldPath("spec.ipFamilies").index(i);
    check_supported(family, kFamilies, at, errors);
    if (!seen.insert(family).second) errors.duplicate(at, family);
  }
  if (spec.has_ip_family_policy()) {
    check_supported(spec.ip_family_policy(), kPolicies, FieldPath("spec.ipFamilyPolicy"), errors);
  }
}

// clusterIP is the first of clusterIPs.
void validate_first(core_v1::Service service, const FieldPath& path, FieldErrors& errors) {
  Texts addresses = service.spec().cluster_ips();
  std::string_view first = service.spec().cluster_ip();
  if (first.empty()) {
    if (addresses.empty()) return;
    errors.invalid_raw(path, printed(service, "clusterIPs"),
                       "must be empty when `clusterIP` is not specified");
  } else if (addresses.empty()) {
    errors.required(path);
  } else if (addresses[0] != first) {
    errors.invalid_raw(path, printed(service, "clusterIPs"), "first value must match `clusterIP`");
  }
}

// False: some are no addresses, and nothing more can be told of them.
bool validate_each(core_v1::Service service, const core_v1::Service* old, const FieldPath& path,
                   FieldErrors& errors) {
  Texts addresses = service.spec().cluster_ips();
  size_t start = errors.size();
  for (size_t i = 0; i < addresses.size(); ++i) {
    std::string_view text = addresses[i];
    if (i == 0 && text == "None") {
      if (addresses.size() == 1) continue;
      errors.invalid_raw(path, printed(service, "clusterIPs"),
                         "'None' must be the first and only value");
      continue;
    }
    bool known = old && std::ranges::count(old->spec().cluster_ips(), text) > 0;
    if (!known) errors.invalid_all(path.index(i), text, check_ip(text));
  }
  bool sound = errors.size() == start;
  if (addresses.size() > kMaxAddresses) {
    errors.invalid_raw(path, printed(service, "clusterIPs"), "may only hold up to 2 values");
  }
  return sound;
}

void check_dual_stack(core_v1::Service service, const FieldPath& path, FieldErrors& errors) {
  Texts addresses = service.spec().cluster_ips();
  if (addresses.size() < 2) return;
  size_t wide = static_cast<size_t>(std::ranges::count_if(addresses, is_v6));
  if (wide > 0 && wide < addresses.size()) return;
  errors.invalid_raw(path, printed(service, "clusterIPs"),
                     "may specify no more than one IP for each IP family");
}

void check_agreement(core_v1::Service service, const FieldPath& path, FieldErrors& errors) {
  Texts addresses = service.spec().cluster_ips();
  Texts families = service.spec().ip_families();
  for (size_t i = 0; i < addresses.size() && i < families.size(); ++i) {
    std::string_view family = families[i];
    if (!is_one_of(family, kFamilies) || (family == "IPv6") == is_v6(addresses[i])) continue;
    errors.invalid(path.index(i), addresses[i],
                   "expected an " + std::string(family) + " value as indicated by `ipFamilies[" +
                       std::to_string(i) + "]`");
  }
}

void require_single_stack(core_v1::Service service, std::string_view what, FieldErrors& errors) {
  if (service.spec().ip_family_policy() == "SingleStack") return;
  errors.invalid_raw(
      FieldPath("spec.ipFamilyPolicy"), printed(service, "ipFamilyPolicy"),
      "must be set to 'SingleStack' when releasing the secondary " + std::string(what));
}

void check_addresses_kept(core_v1::Service service, core_v1::Service old, FieldErrors& errors) {
  Texts now = service.spec().cluster_ips();
  Texts before = old.spec().cluster_ips();
  FieldPath path("spec.clusterIPs");
  std::string shown = printed(service, "clusterIPs");
  if (now.empty() && !before.empty()) {
    errors.invalid_raw(path.index(0), shown, "primary clusterIP can not be unset");
    return;
  }
  size_t compared = now.size() == before.size() ? now.size() : std::min<size_t>(1, before.size());
  for (size_t i = 0; i < compared; ++i) {
    if (now[i] == before[i]) continue;
    errors.invalid_raw(path.index(i), shown, "may not change once set");
  }
  if (before.size() > now.size() && now.size() == 1) {
    require_single_stack(service, "clusterIP", errors);
  }
}

void check_families_kept(core_v1::Service service, core_v1::Service old, FieldErrors& errors) {
  Texts now = service.spec().ip_families();
  Texts before = old.spec().ip_families();
  FieldPath path = FieldPath("spec.ipFamilies").index(0);
  size_t compared =
      now.size() == before.size() ? now.size() : std::min<size_t>({1, now.size(), before.size()});
  if (before.size() > now.size() && service.spec().cluster_ips().empty()) {
    errors.invalid_raw(path, printed(service, "ipFamilies"), "primary ipFamily can not be unset");
  }
  // Upstream shows the addresses where their number changed.
  std::string_view shown = now.size() == before.size() ? "ipFamilies" : "clusterIPs";
  for (size_t i = 0; i < compared; ++i) {
    if (now[i] == before[i]) continue;
    errors.invalid_raw(path, printed(service, shown), "may not change once set");
  }
  if (before.size() > now.size() && now.size() == 1) {
    require_single_stack(service, "ipFamily", errors);
  }
}

}  // namespace

bool is_headless(core_v1::Service service) {
  return service.spec().cluster_ips().size() == 1 && service.spec().cluster_ips()[0] == "None";
}

void validate_cluster_ips(core_v1::Service service, const core_v1::Service* old,
                          FieldErrors& errors) {
  if (is_external_name(service)) return;
  FieldPath path("spec.clusterIPs");
  validate_first(service, path, errors);
  validate_families(service.spec(), errors);
  if (!validate_each(service, old, path, errors)) return;
  check_dual_stack(service, path, errors);
  if (!is_headless(service)) check_agreement(service, path, errors);
}

void validate_cluster_ips_kept(core_v1::Service service, core_v1::Service old,
                               FieldErrors& errors) {
  if (is_external_name(service) || is_external_name(old)) return;
  if (!is_headless(service) || !is_headless(old)) check_addresses_kept(service, old, errors);
  if (!is_headless(service) && !is_headless(old)) check_families_kept(service, old, errors);
}

}  // namespace tiphys::apiserver
