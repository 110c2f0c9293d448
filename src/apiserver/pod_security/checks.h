// The checks of the Pod Security Standards, by the version they came with (no number: v1.0).
// Which policy runs which: evaluator.cc. Pure.
#pragma once
#include "apiserver/pod_security/check.h"

namespace tiphys::apiserver::pod_security {

// host_checks.cc
std::optional<Violation> host_namespaces(const PodParts& pod);
std::optional<Violation> host_ports(const PodParts& pod);
std::optional<Violation> host_path_volumes(const PodParts& pod);
std::optional<Violation> host_probes_34(const PodParts& pod);

// privilege_checks.cc
std::optional<Violation> privileged(const PodParts& pod);
std::optional<Violation> windows_host_process(const PodParts& pod);
std::optional<Violation> privilege_escalation_8(const PodParts& pod);
std::optional<Violation> privilege_escalation_25(const PodParts& pod);
std::optional<Violation> proc_mount(const PodParts& pod);
std::optional<Violation> proc_mount_35(const PodParts& pod);

// capability_checks.cc
std::optional<Violation> default_capabilities(const PodParts& pod);
std::optional<Violation> dropped_capabilities_22(const PodParts& pod);
std::optional<Violation> dropped_capabilities_25(const PodParts& pod);

// profile_checks.cc
std::optional<Violation> app_armor_profile(const PodParts& pod);
std::optional<Violation> seccomp_annotations(const PodParts& pod);
std::optional<Violation> seccomp_profile_19(const PodParts& pod);
std::optional<Violation> required_seccomp_profile_19(const PodParts& pod);
std::optional<Violation> required_seccomp_profile_25(const PodParts& pod);

// se_linux_check.cc
std::optional<Violation> se_linux_options(const PodParts& pod);
std::optional<Violation> se_linux_options_31(const PodParts& pod);

// sysctl_checks.cc
std::optional<Violation> sysctls(const PodParts& pod);
std::optional<Violation> sysctls_27(const PodParts& pod);
std::optional<Violation> sysctls_29(const PodParts& pod);
std::optional<Violation> sysctls_32(const PodParts& pod);

// user_checks.cc
std::optional<Violation> run_as_non_root(const PodParts& pod);
std::optional<Violation> run_as_non_root_35(const PodParts& pod);
std::optional<Violation> run_as_user_23(const PodParts& pod);
std::optional<Violation> run_as_user_35(const PodParts& pod);

// volume_check.cc
std::optional<Violation> restricted_volumes(const PodParts& pod);

}  // namespace tiphys::apiserver::pod_security
