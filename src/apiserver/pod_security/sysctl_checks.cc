// The sysctls that are safe: namespaced, and isolated from other pods.
#include "apiserver/pod_security/checks.h"
#include "base/strings.h"

namespace tiphys::apiserver::pod_security {
namespace {

struct Row {
  std::string_view name;
  int since = 0;  // minor version of the policy
};

constexpr Row kSafe[] = {
    {"kernel.shm_rmid_forced"},
    {"net.ipv4.ip_local_port_range"},
    {"net.ipv4.tcp_syncookies"},
    {"net.ipv4.ping_group_range"},
    {"net.ipv4.ip_unprivileged_port_start"},
    {"net.ipv4.ip_local_reserved_ports", 27},
    {"net.ipv4.tcp_keepalive_time", 29},
    {"net.ipv4.tcp_fin_timeout", 29},
    {"net.ipv4.tcp_keepalive_intvl", 29},
    {"net.ipv4.tcp_keepalive_probes", 29},
    {"net.ipv4.tcp_rmem", 32},
    {"net.ipv4.tcp_wmem", 32},
};

bool is_safe(std::string_view name, int minor) {
  for (const Row& row : kSafe) {
    if (row.name == name) return row.since <= minor;
  }
  return false;
}

std::optional<Violation> check(const PodParts& pod, int minor) {
  Names bad;
  for (const auto& sysctl : pod.spec.security_context().sysctls()) {
    if (!is_safe(sysctl.name(), minor)) bad.emplace_back(sysctl.name());
  }
  if (bad.empty()) return std::nullopt;
  return Violation{"forbidden sysctls", join(bad, ", ")};
}

}  // namespace

std::optional<Violation> sysctls(const PodParts& pod) { return check(pod, 0); }
std::optional<Violation> sysctls_27(const PodParts& pod) { return check(pod, 27); }
std::optional<Violation> sysctls_29(const PodParts& pod) { return check(pod, 29); }
std::optional<Violation> sysctls_32(const PodParts& pod) { return check(pod, 32); }

}  // namespace tiphys::apiserver::pod_security
