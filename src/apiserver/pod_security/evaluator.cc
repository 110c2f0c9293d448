#include "apiserver/pod_security/evaluator.h"

#include <algorithm>

#include "apiserver/pod_security/checks.h"
#include "base/strings.h"

namespace tiphys::apiserver::pod_security {
namespace {

struct Row {
  std::string_view id;
  Level level;
  int since;  // the first minor version of the policy that has it
  Check check;
  std::string_view replaces = {};  // the baseline check that this restricted one makes superfluous
};

constexpr Level kBaseline = Level::kBaseline;
constexpr Level kRestricted = Level::kRestricted;

// By level, id and version; the last row of an id that is old enough counts.
constexpr Row kRows[] = {
    {"appArmorProfile", kBaseline, 0, app_armor_profile},
    {"capabilities_baseline", kBaseline, 0, default_capabilities},
    {"hostNamespaces", kBaseline, 0, host_namespaces},
    {"hostPathVolumes", kBaseline, 0, host_path_volumes},
    {"hostPorts", kBaseline, 0, host_ports},
    {"hostProbesAndHostLifecycle", kBaseline, 34, host_probes_34},
    {"privileged", kBaseline, 0, privileged},
    {"procMount", kBaseline, 0, proc_mount},
    {"procMount", kBaseline, 35, proc_mount_35},
    {"seLinuxOptions", kBaseline, 0, se_linux_options},
    {"seLinuxOptions", kBaseline, 31, se_linux_options_31},
    {"seccompProfile_baseline", kBaseline, 0, seccomp_annotations},
    {"seccompProfile_baseline", kBaseline, 19, seccomp_profile_19},
    {"sysctls", kBaseline, 0, sysctls},
    {"sysctls", kBaseline, 27, sysctls_27},
    {"sysctls", kBaseline, 29, sysctls_29},
    {"sysctls", kBaseline, 32, sysctls_32},
    {"windowsHostProcess", kBaseline, 0, windows_host_process},
    {"allowPrivilegeEscalation", kRestricted, 8, privilege_escalation_8},
    {"allowPrivilegeEscalation", kRestricted, 25, privilege_escalation_25},
    {"capabilities_restricted", kRestricted, 22, dropped_capabilities_22, "capabilities_baseline"},
    {"capabilities_restricted", kRestricted, 25, dropped_capabilities_25, "capabilities_baseline"},
    {"procMount_restricted", kRestricted, 35, proc_mount, "procMount"},
    {"restrictedVolumes", kRestricted, 0, restricted_volumes, "hostPathVolumes"},
    {"runAsNonRoot", kRestricted, 0, run_as_non_root},
    {"runAsNonRoot", kRestricted, 35, run_as_non_root_35},
    {"runAsUser", kRestricted, 23, run_as_user_23},
    {"runAsUser", kRestricted, 35, run_as_user_35},
    {"seccompProfile_restricted", kRestricted, 19, required_seccomp_profile_19,
     "seccompProfile_baseline"},
    {"seccompProfile_restricted", kRestricted, 25, required_seccomp_profile_25,
     "seccompProfile_baseline"},
};

// The rows of a policy, one an id.
std::vector<const Row*> rows_of(Level level, int minor) {
  std::vector<const Row*> rows;
  for (const Row& row : kRows) {
    if (row.level > level || row.since > minor) continue;
    if (!rows.empty() && rows.back()->id == row.id) rows.pop_back();
    rows.push_back(&row);
  }
  std::vector<std::string_view> replaced;
  for (const Row* row : rows) replaced.push_back(row->replaces);
  std::erase_if(rows, [&](const Row* row) {
    return std::find(replaced.begin(), replaced.end(), row->id) != replaced.end();
  });
  return rows;
}

}  // namespace

std::vector<Violation> evaluate(const LevelVersion& policy, const PodParts& pod) {
  std::vector<Violation> found;
  if (policy.level == Level::kPrivileged) return found;
  for (const Row* row : rows_of(policy.level, std::min(policy.minor, kNewestMinor))) {
    if (auto violation = row->check(pod)) found.push_back(std::move(*violation));
  }
  return found;
}

std::string reasons(const std::vector<Violation>& violations) {
  Names names;
  for (const Violation& violation : violations) names.push_back(violation.reason);
  return join(names, ", ");
}

std::string details(const std::vector<Violation>& violations) {
  Names texts;
  for (const Violation& violation : violations) {
    std::string detail = violation.detail.empty() ? "" : " (" + violation.detail + ")";
    texts.push_back(violation.reason + detail);
  }
  return join(texts, ", ");
}

}  // namespace tiphys::apiserver::pod_security
