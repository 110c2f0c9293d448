// Linux capabilities: which may be added (baseline), and that all others are dropped (restricted).
#include <algorithm>

#include "apiserver/pod_security/checks.h"
#include "base/strings.h"

namespace tiphys::apiserver::pod_security {
namespace {

constexpr std::string_view kDefault[] = {
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};

bool is_default(std::string_view capability) {
  return std::find(std::begin(kDefault), std::end(kDefault), capability) != std::end(kDefault);
}

bool drops_all(const core_v1::Capabilities& capabilities) {
  for (std::string_view one : capabilities.drop()) {
    if (one == "ALL") return true;
  }
  return false;
}

// Who adds capabilities that `allowed` refuses, and which.
template <class Allowed>
std::string added(const PodParts& pod, Allowed allowed) {
  Names bad;
  NameSet forbidden;
  for_each_container(pod.spec, [&](const auto& container) {
    bool found = false;
    for (std::string_view one : container.security_context().capabilities().add()) {
      if (allowed(one)) continue;
      found = true;
      forbidden.emplace(one);
    }
    if (found) bad.emplace_back(container.name());
  });
  if (bad.empty()) return "";
  return containers(bad) + " must not include " + quoted(forbidden) +
         " in securityContext.capabilities.add";
}

}  // namespace

std::optional<Violation> default_capabilities(const PodParts& pod) {
  std::string detail = added(pod, is_default);
  if (detail.empty()) return std::nullopt;
  return Violation{"non-default capabilities", detail};
}

std::optional<Violation> dropped_capabilities_22(const PodParts& pod) {
  Names missing;
  for_each_container(pod.spec, [&](const auto& container) {
    if (!drops_all(container.security_context().capabilities())) {
      missing.emplace_back(container.name());
    }
  });
  Names details;
  if (!missing.empty()) {
    details.push_back(containers(missing) +
                      " must set securityContext.capabilities.drop=[\"ALL\"]");
  }
  std::string more = added(pod, [](std::string_view one) { return one == "NET_BIND_SERVICE"; });
  if (!more.empty()) details.push_back(more);
  if (details.empty()) return std::nullopt;
  return Violation{"unrestricted capabilities", join(details, "; ")};
}

std::optional<Violation> dropped_capabilities_25(const PodParts& pod) {
  if (is_windows(pod.spec)) return std::nullopt;
  return dropped_capabilities_22(pod);
}

}  // namespace tiphys::apiserver::pod_security
