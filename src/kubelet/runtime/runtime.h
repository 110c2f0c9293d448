// Runtime: what the kubelet asks of a container runtime, in plain values. Cri (cri.h) is the real
// one (CRI v1 over gRPC); tests have a fake.
//
// Loop thread only. Calls never block the loop; each has a time limit of its own. Errors carry
// gRPC's code as reason ("NotFound", "Unavailable", "DeadlineExceeded", ...). Stopping or removing
// what is gone succeeds.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "async/stop.h"
#include "async/task.h"
#include "base/result.h"
#include "base/time.h"
#include "object/object.h"
#include "os/cgroup_usage.h"

namespace tiphys::kubelet {

enum class ContainerState : uint8_t { kCreated, kRunning, kExited, kUnknown };

using Labels = std::map<std::string, std::string>;

struct SandboxRecord {
  std::string id;
  std::string pod_uid;
  std::string pod_name;
  std::string pod_namespace;
  uint32_t attempt = 0;
  bool ready = false;
  MicroTime created = 0;
  std::vector<std::string> ips;  // of a ready sandbox with a network of its own
};

// Who a container's first process is.
struct ContainerUser {
  int64_t uid = 0;
  int64_t gid = 0;
  std::vector<int64_t> supplemental_groups;
  bool operator==(const ContainerUser&) const = default;
};

struct ContainerRecord {
  std::string id;
  std::string sandbox_id;
  std::string pod_uid;
  std::string name;
  uint32_t attempt = 0;  // restarts before this one
  ContainerState state = ContainerState::kUnknown;
  MicroTime created = 0;
  // The rest is from the container's status:
  MicroTime started = 0;
  MicroTime finished = 0;
  int32_t exit_code = 0;
  std::string reason;
  std::string message;
  std::string image;     // as it was asked for
  std::string image_id;  // sha256:...
  std::string log_path;
  Labels annotations;
  std::optional<ContainerUser> user;  // nothing: the runtime doesn't say
  // The kubelet ended it to start it anew with other resources, whatever its exit code is.
  bool restart_due = false;
};

struct RuntimeList {
  std::vector<SandboxRecord> sandboxes;     // without ips
  std::vector<ContainerRecord> containers;  // without status
};

// What a container has used, as the runtime measured it.
struct UsageRecord {
  std::string container_id;
  MicroTime time = 0;
  os::CgroupUsage used;
  int64_t writable_bytes = 0;  // of its writable layer, as last measured by the runtime
  int64_t writable_inodes = 0;
  MicroTime writable_time = 0;  // 0: it was not measured yet
};

// What images take of their file system.
struct ImageFsRecord {
  MicroTime time = 0;
  std::string mount_point;
  int64_t bytes = 0;
  int64_t inodes = 0;
};

struct RuntimeCondition {
  bool ok = false;
  std::string reason;
  std::string message;
};
// One way of running containers that a RuntimeClass may name, and what it can do.
struct RuntimeHandler {
  std::string name;  // "": the default
  bool recursive_read_only_mounts = false;
  bool user_namespaces = false;
};
struct RuntimeStatus {
  RuntimeCondition runtime;
  RuntimeCondition network;
  std::vector<RuntimeHandler> handlers;            // by name; none: the runtime doesn't say
  std::optional<bool> supplemental_groups_policy;  // nothing: the runtime doesn't say
};

struct ImageRecord {
  std::string id;
  std::vector<std::string> names;  // digests, then tags
  int64_t size_bytes = 0;
  int64_t uid = -1;  // of its USER, -1: a name or none
  std::string user;  // USER, if it is a name
  bool found = false;
  bool pinned = false;  // the runtime needs it
};

struct ExecResult {
  std::string out;
  std::string err;
  int32_t exit_code = 0;
};

// Which streams of a process a client is connected with.
struct StreamFlags {
  bool stdin_stream = false;
  bool stdout_stream = false;
  bool stderr_stream = false;
  bool tty = false;
};

struct RegistryAuth {
  std::string user;
  std::string password;
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  // "containerd://1.6.20"
  virtual Task<Result<std::string>> version() = 0;
  virtual Task<Result<RuntimeStatus>> status() = 0;
  // Of one pod, or of all pods of Kubernetes (uid "").
  virtual Task<Result<RuntimeList>> list(std::string pod_uid) = 0;
  // config: cri_v1::PodSandboxConfig.
  virtual Task<Result<std::string>> run_sandbox(ObjectPtr config, std::string handler) = 0;
  virtual Task<Result<SandboxRecord>> sandbox_status(std::string id) = 0;
  virtual Task<Result<void>> stop_sandbox(std::string id) = 0;
  virtual Task<Result<void>> remove_sandbox(std::string id) = 0;
  // config: cri_v1::ContainerConfig.
  virtual Task<Result<std::string>> create_container(std::string sandbox_id, ObjectPtr config,
                                                     ObjectPtr sandbox_config) = 0;
  virtual Task<Result<void>> start_container(std::string id) = 0;
  // SIGTERM, then SIGKILL after the grace period.
  virtual Task<Result<void>> stop_container(std::string id, int64_t grace_seconds) = 0;
  virtual Task<Result<void>> remove_container(std::string id) = 0;
  // resources: cri_v1::LinuxContainerResources, all of them.
  virtual Task<Result<void>> update_resources(std::string id, ObjectPtr resources) = 0;
  virtual Task<Result<ContainerRecord>> container_status(std::string id) = 0;
  virtual Task<Result<ExecResult>> exec_sync(std::string id, std::vector<std::string> command,
                                             int64_t timeout_seconds) = 0;
  // Each gives a URL of the runtime's streaming server, good for one connection: for the kubelet
  // alone, never for a client.
  virtual Task<Result<std::string>> exec_url(std::string id, std::vector<std::string> command,
                                             StreamFlags streams) = 0;
  virtual Task<Result<std::string>> attach_url(std::string id, StreamFlags streams) = 0;
  virtual Task<Result<std::string>> port_forward_url(std::string sandbox_id,
                                                     std::vector<int32_t> ports) = 0;
  virtual Task<Result<ImageRecord>> image_status(std::string image) = 0;
  virtual Task<Result<std::vector<ImageRecord>>> list_images() = 0;
  // The image's id.
  virtual Task<Result<std::string>> pull_image(std::string image, RegistryAuth auth,
                                               ObjectPtr sandbox_config) = 0;
  virtual Task<Result<void>> remove_image(std::string image) = 0;
  virtual Task<Result<ImageFsRecord>> image_fs() = 0;
  // Of the containers that the runtime can measure.
  virtual Task<Result<std::vector<UsageRecord>>> list_usage() = 0;
  virtual Task<Result<void>> reopen_log(std::string container_id) = 0;
  // Writes its state to `location`, a file; timeout_seconds 0: as long as any call may take.
  virtual Task<Result<void>> checkpoint_container(std::string id, std::string location,
                                                  int64_t timeout_seconds) = 0;
};

// Labels and annotations by which the kubelet finds its containers again; upstream's names.
inline constexpr std::string_view kPodNameLabel = "io.kubernetes.pod.name";
inline constexpr std::string_view kPodNamespaceLabel = "io.kubernetes.pod.namespace";
inline constexpr std::string_view kPodUidLabel = "io.kubernetes.pod.uid";
inline constexpr std::string_view kContainerNameLabel = "io.kubernetes.container.name";
inline constexpr std::string_view kHashAnnotation = "io.kubernetes.container.hash";
inline constexpr std::string_view kRestartCountAnnotation = "io.kubernetes.container.restartCount";
inline constexpr std::string_view kMessagePathAnnotation =
    "io.kubernetes.container.terminationMessagePath";
inline constexpr std::string_view kMessagePolicyAnnotation =
    "io.kubernetes.container.terminationMessagePolicy";
inline constexpr std::string_view kMessageFileAnnotation = "tiphys.dev/termination-message-file";
inline constexpr std::string_view kGracePeriodAnnotation =
    "io.kubernetes.pod.terminationGracePeriod";

}  // namespace tiphys::kubelet
