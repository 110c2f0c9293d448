// SELinux: a few types, no user, no role.
#include "apiserver/pod_security/checks.h"
#include "base/strings.h"

namespace tiphys::apiserver::pod_security {
namespace {

const NameSet kTypes{"", "container_t", "container_init_t", "container_kvm_t"};
const NameSet kTypes31{"", "container_t", "container_init_t", "container_kvm_t",
                       "container_engine_t"};

// What is wrong with the options seen so far.
struct Faults {
  const NameSet& allowed;
  NameSet types;
  bool user = false;
  bool role = false;

  bool good(const core_v1::SELinuxOptions& options) {
    bool known = allowed.contains(std::string(options.type()));
    if (!known) types.emplace(options.type());
    user |= !options.user().empty();
    role |= !options.role().empty();
    return known && options.user().empty() && options.role().empty();
  }
  std::string text() const {
    Names parts;
    if (!types.empty()) parts.push_back(plural(types.size(), "type ", "types ") + quoted(types));
    if (user) parts.emplace_back("user may not be set");
    if (role) parts.emplace_back("role may not be set");
    return join(parts, "; ");
  }
};

std::optional<Violation> check(const PodParts& pod, const NameSet& allowed) {
  Faults faults{allowed, {}};
  bool by_pod = !faults.good(pod.spec.security_context().se_linux_options());
  Names bad;
  for_each_container(pod.spec, [&](const auto& container) {
    if (!faults.good(container.security_context().se_linux_options())) {
      bad.emplace_back(container.name());
    }
  });
  std::string who = setters(by_pod, bad);
  if (who.empty()) return std::nullopt;
  return Violation{"seLinuxOptions",
                   who + " set forbidden securityContext.seLinuxOptions: " + faults.text()};
}

}  // namespace

std::optional<Violation> se_linux_options(const PodParts& pod) { return check(pod, kTypes); }
std::optional<Violation> se_linux_options_31(const PodParts& pod) { return check(pod, kTypes31); }

}  // namespace tiphys::apiserver::pod_security
