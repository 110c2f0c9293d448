// Parts of a container, a file each: environment, mounts, handlers, resources, security context.
// Paths are those of the part. Pure.
#pragma once
#include "apiserver/validation/pod_scope.h"

namespace tiphys::apiserver {

// env and envFrom (container_env.cc)
void validate_environment(core_v1::Container container, const FieldPath& path, FieldErrors& errors);
// Env variables from files name emptyDir volumes of the pod.
void validate_env_files(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors);
void validate_field_ref(core_v1::ObjectFieldSelector selector,
                        std::span<const std::string_view> expressions, const FieldPath& path,
                        FieldErrors& errors);
// In a volume the container must be named.
void validate_resource_field_ref(core_v1::ResourceFieldSelector selector, bool volume,
                                 const FieldPath& path, FieldErrors& errors);

// volumeMounts and volumeDevices (container_mounts.cc)
void validate_mounts(core_v1::Container container, const VolumesByName& volumes,
                     const FieldPath& path, FieldErrors& errors);

// Probes and hooks (container_handlers.cc)
void validate_handlers(core_v1::Container container, const PodScope& pod, const FieldPath& path,
                       FieldErrors& errors);

// Security contexts (security_context.cc)
void validate_container_security(core_v1::SecurityContext context, bool host_users,
                                 const FieldPath& path, FieldErrors& errors);
void validate_pod_security(const PodScope& pod, const FieldPath& path, FieldErrors& errors);
// A sysctl of a namespace that the pod shares with the host.
void validate_host_sysctl(core_v1::PodSpec spec, std::string_view name, const FieldPath& path,
                          FieldErrors& errors);

// Windows' options, and host process pods (windows_options.cc)
void validate_windows_options(core_v1::WindowsSecurityContextOptions options, const FieldPath& path,
                              FieldErrors& errors);
void validate_host_process(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors);
// spec.os: what the other system's pods can't have.
void validate_os(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors);

}  // namespace tiphys::apiserver
