// securityContext of pods and containers in CRI's words. Pure.
#pragma once
#include "kinds/cri_v1.h"
#include "kubelet/pods/configs.h"

namespace tiphys::kubelet {

void write_sandbox_security(core_v1::Pod pod, cri_v1::LinuxSandboxSecurityContextEdit out);
// Errors: the image would run as root although runAsNonRoot is set, a local seccomp
// profile has no name.
Result<void> write_container_security(const ContainerInput& input,
                                      cri_v1::LinuxContainerSecurityContextEdit out);

}  // namespace tiphys::kubelet
