#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/images/registry_auth.h"
#include "kubelet/logs/rotation.h"
#include "kubelet/pods/resources.h"
#include "kubelet/pods/runtime_class.h"
#include "kubelet/pods/worker.h"
#include "kubelet/probes/handler.h"
#include "os/attributes.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kVolumeRetry = 2 * kMicrosPerSecond;
constexpr MicroTime kStartRetry = 10 * kMicrosPerSecond;
constexpr Duration kHookLimit = std::chrono::minutes(30);

// Files that the kubelet lays out for a container before it starts. Blocks.
Result<void> write_container_files(const std::string& hosts_path, const std::string& hosts,
                                   const std::string& message_path) {
  if (!hosts_path.empty()) {
    Result<void> written = os::write_file_atomic(hosts_path, hosts);
    if (!written) return written;
  }
  if (message_path.empty()) return {};
  Result<void> made = os::make_dirs(message_path.substr(0, message_path.rfind('/')), 0750);
  if (!made) return made;
  Result<void> written = os::write_file(message_path, "", 0666);
  if (!written) return written;
  return os::change_mode(message_path, 0666);  // any user of the container writes it
}

// As upstream's label of that name.
std::string_view container_type(ContainerKind kind) {
  if (kind == ContainerKind::kInit) return "init_container";
  return kind == ContainerKind::kEphemeral ? "ephemeral_container" : "container";
}

}  // namespace

// Everything below the containers: cgroup, fetched objects, volumes, network. False: not yet.
Task<bool> PodWorker::prepare() {
  if (!cgroup_made_ && node_.cgroups) {
    std::string path = pod_cgroup(node_.options.cgroup_root, view());
    os::CgroupLimits limits = actuated_limits();
    os::Cgroups groups = *node_.cgroups;
    co_await node_.update_tiers();
    Result<void> made = co_await run_blocking(
        node_.loop, node_.pool, [groups, path, limits] { return groups.create(path, limits); });
    if (!made) {
      record("Warning", "FailedCreatePodContainer",
             "unable to ensure pod container exists: " + made.error().message());
      wake_at(node_.loop.wall() + kVolumeRetry);
      co_return false;
    }
    cgroup_made_ = true;
    group_limits_ = limits;
  }
  bool there = co_await volumes_->ensure(pod_, stop_.token());
  if (MicroTime next = volumes_->next_at(); next != 0) wake_at(next);
  co_return there;
}

ObjectPtr PodWorker::make_sandbox_config(uint32_t attempt) const {
  SandboxInput input;
  input.pod = view();
  input.attempt = attempt;
  input.log_directory = node_.options.pod_logs_dir + "/" + pod_log_folder(view());
  input.cgroup_parent = node_.cgroups ? pod_cgroup(node_.options.cgroup_root, view()) : "";
  input.dns = dns();
  if (!view().spec().host_network()) {
    Result<std::string> name = kernel_hostname(view(), node_.options.cluster_domain);
    if (name) input.hostname = *name;
  }
  return sandbox_config(input);
}

DnsSettings PodWorker::dns() const {
  const Options& options = node_.options;
  DnsSettings host = no_host_dns();
  if (!options.resolv_conf.empty()) {
    Result<std::string> text = os::read_file(options.resolv_conf, 64 * 1024);
    host = parse_resolv_conf(text ? *text : std::string());
  }
  return pod_dns(view(), host, options.cluster_dns, options.cluster_domain);
}

void PodWorker::warn_of_dns() {
  for (const std::string& message : dns().omitted) record("Warning", "DNSConfigForming", message);
  std::string_view policy = view().spec().dns_policy();
  bool cluster = policy == "ClusterFirstWithHostNet" ||
                 (policy == "ClusterFirst" && !view().spec().host_network());
  if (!cluster || !node_.options.cluster_dns.empty()) return;
  record("Warning", "MissingClusterDNS",
         "pod: " + go_quote(pod_label(view())) +
             ". kubelet does not have ClusterDNS IP configured and cannot create Pod using "
             "\"ClusterFirst\" policy. Falling back to \"Default\" policy.");
}

Task<void> PodWorker::create_sandbox(uint32_t attempt) {
  if (!view().spec().host_network() && !node_.network_ready()) {
    record(
        "Warning", "NetworkNotReady",
        "network is not ready: container runtime network not ready: the node has no podCIDR yet");
    wake_at(node_.loop.wall() + kVolumeRetry);
    co_return;
  }
  warn_of_dns();
  Result<std::string> hostname = kernel_hostname(view(), node_.options.cluster_domain);
  if (!hostname) {
    record("Warning", "FailedCreatePodSandBox",
           "Failed to create pod sandbox: " + hostname.error().message());
    wake_at(node_.loop.wall() + kVolumeRetry);
    co_return;
  }
  ObjectPtr config = make_sandbox_config(attempt);
  std::string logs = node_.options.pod_logs_dir + "/" + pod_log_folder(view());
  Result<void> made =
      co_await run_blocking(node_.loop, node_.pool, [logs] { return os::make_dirs(logs, 0755); });
  Result<std::string> id = ApiStatus::internal("no log folder");
  if (made) id = co_await find_runtime_handler(node_.client, pod_);
  if (made && id) {
    std::string handler = *id;
    MonoTime begin = node_.loop.mono();
    id = co_await node_.runtime.run_sandbox(config, handler);
    node_.metrics.sandbox_run(handler, node_.loop.mono() - begin, !id);
  }
  node_.metrics.pod_started(!made || !id);
  if (!made || !id) {
    record(
        "Warning", "FailedCreatePodSandBox",
        "Failed to create pod sandbox: " + (made ? id.error().message() : made.error().message()));
    wake_at(node_.loop.wall() + kVolumeRetry);
    co_return;
  }
  LOG_V(2, "Started sandbox", {"pod", pod_label(view())}, {"id", *id});
  wake();
}

Environment PodWorker::service_variables() const {
  std::vector<ObjectPtr> objects = node_.services(view().metadata().namespace_());
  bool links = !view().spec().has_enable_service_links() || view().spec().enable_service_links();
  std::vector<core_v1::Service> services;
  for (const ObjectPtr& object : objects) {
    core_v1::Service service(*object);
    bool master =
        service.metadata().name() == "kubernetes" && service.metadata().namespace_() == "default";
    bool same = service.metadata().namespace_() == view().metadata().namespace_();
    if (master || (links && same)) services.push_back(service);
  }
  return service_environment(services);
}

RegistryAuth PodWorker::auth_for(std::string_view image) const {
  for (core_v1::LocalObjectReference ref : view().spec().image_pull_secrets()) {
    Result<core_v1::Secret> secret = find_secret(volumes_->fetched(), ref.name());
    if (!secret) continue;
    if (std::optional<RegistryAuth> auth = find_registry_auth(*secret, image)) return *auth;
  }
  return {};
}

std::string PodWorker::message_file(std::string_view container, uint32_t attempt) const {
  return node_.pod_folder(uid()) + "/containers/" + std::string(container) + "/" +
         std::to_string(attempt);
}

// Asks for images first (all at once), then creates what has its image.
Task<void> PodWorker::start_containers(PodPlan plan) {
  bool any = false;
  for (const ContainerStart& what : plan.starts) {
    if (!hooks_.empty()) break;
    core_v1::Container container = container_at(view().spec(), what.place);
    std::string name(container.name());
    if (pulling_.contains(name)) continue;
    auto image = images_.find(name);
    if (image == images_.end()) {
      pulling_.insert(name);
      gate_.spawn(
          pull(name, std::string(container.image()), std::string(container.image_pull_policy())));
      continue;
    }
    if (image->second.why) {
      waiting_[name] = *image->second.why;
      MicroTime at = image->second.retry_at;
      if (at <= node_.loop.wall()) {
        images_.erase(image);
        wake();
      } else {
        wake_at(at);
      }
      continue;
    }
    bool started = co_await start_container(what);
    any = any || started;
  }
  if (any) {
    co_await remove_old_containers();
    wake();
  } else {
    (void)co_await publish(false);
  }
}

Task<void> PodWorker::pull(std::string name, std::string image, std::string policy) {
  const SandboxRecord* sandbox = state_.newest_sandbox();
  ObjectPtr config = make_sandbox_config(sandbox ? sandbox->attempt : 0);
  ObjectPtr pod = pod_;
  client::EventRecorder* events = &node_.events;
  std::string path = container_field_path(view().spec(), name);
  auto note = [pod, events, path](std::string_view type, std::string_view reason,
                                  const std::string& message) {
    events->record(*pod, type, reason, message, path);
  };
  RegistryAuth auth = auth_for(image);
  bool fetching = false;
  auto fetch = [this, &fetching] {
    fetching = true;
    startup_.pull_began(node_.loop.mono());
  };
  ImageOutcome outcome =
      co_await node_.puller.ensure(image, policy, uid(), auth, config, note, fetch);
  if (fetching) startup_.pull_ended(node_.loop.mono());
  if (outcome.why) {
    record("Warning", "Failed", "Error: " + outcome.why->reason, path);
    if (outcome.retry_at == 0) outcome.retry_at = node_.loop.wall() + kVolumeRetry;
    // The error is shown; what follows it is the wait.
    if (outcome.why->reason == "ErrImagePull") outcome.retry_at = node_.loop.wall() + kVolumeRetry;
  }
  images_.insert_or_assign(name, std::move(outcome));
  pulling_.erase(name);
  wake();
}

Task<Result<ObjectPtr>> PodWorker::build_config(ContainerStart what, ImageRecord image) {
  ObjectPtr pod = allocated_pod();
  core_v1::Pod of(*pod);
  core_v1::Container container = container_at(of.spec(), what.place);
  Result<std::string> target = pid_target(what.place);
  if (!target) co_return target.error();
  std::vector<std::string> ips;
  if (const SandboxRecord* sandbox = state_.newest_sandbox()) ips = sandbox->ips;
  if (of.spec().host_network()) ips = node_.host_ips;
  DownwardContext context{of, ips, node_.host_ips, node_.allocatable};
  Result<Environment> environment =
      container_environment(context, volumes_->fetched(), container, service_variables());
  if (!environment) co_return environment.error();
  MountInput mounts;
  mounts.pod = of;
  mounts.container = container;
  mounts.variables = environment->lookup();
  mounts.pod_folder = node_.pod_folder(uid());
  mounts.message_file = message_file(container.name(), what.attempt);
  mounts.hosts_file = mounts.pod_folder + "/etc-hosts";
  std::string domain = node_.options.cluster_domain;
  std::string hosts_path = mounts.hosts_file;
  std::string message_path = mounts.message_file;
  Result<void> written =
      co_await run_blocking(node_.loop, node_.pool, [pod, ips, domain, hosts_path, message_path] {
        Result<std::string> host_file = os::read_file("/etc/hosts", 1 << 20);
        std::string text =
            pod_hosts_file(core_v1::Pod(*pod), ips, domain, host_file ? *host_file : "");
        return write_container_files(hosts_path, text, message_path);
      });
  if (!written) co_return written.error();
  Result<std::vector<ResolvedMount>> resolved =
      co_await volumes_->resolve(mounts, pod, stop_.token());
  if (!resolved) co_return resolved.error();
  ContainerInput input;
  input.pod = of;
  input.container = container;
  input.attempt = what.attempt;
  input.image = image.id;
  input.image_uid = image.uid;
  input.image_user = image.user;
  input.environment = std::move(*environment);
  input.mounts = std::move(*resolved);
  input.message_file = mounts.message_file;
  input.memory_capacity = node_.memory_capacity;
  input.limits = node_.limits;
  input.pid_target = *target;
  input.seccomp_folder = node_.options.root_dir + "/seccomp";
  input.seccomp_default = node_.options.seccomp_default;
  co_return container_config(input);
}

// True: something changed in the runtime.
Task<bool> PodWorker::start_container(ContainerStart what) {
  ObjectPtr pod = allocated_pod();
  core_v1::Container container = container_at(core_v1::Pod(*pod).spec(), what.place);
  std::string name(container.name());
  std::string path = container_field_path(core_v1::Pod(*pod).spec(), name);
  ImageRecord image = images_[name].image;
  images_.erase(name);  // asked for anew at the next start
  const SandboxRecord* sandbox = state_.newest_sandbox();
  if (!sandbox) co_return false;
  std::string sandbox_id = sandbox->id;
  ObjectPtr sandbox_config = make_sandbox_config(sandbox->attempt);
  Result<ObjectPtr> config = co_await build_config(what, image);
  if (!config) {
    waiting_[name] = {"CreateContainerConfigError", config.error().message()};
    record("Warning", "Failed", "Error: " + config.error().message(), path);
    volumes_->refetch();  // what is missing may have come
    wake_at(node_.loop.wall() + kStartRetry);
    co_return false;
  }
  Result<std::string> id =
      co_await node_.runtime.create_container(sandbox_id, *config, sandbox_config);
  if (!id) {
    waiting_[name] = {"CreateContainerError", id.error().message()};
    record("Warning", "Failed", "Error: " + id.error().message(), path);
    wake_at(node_.loop.wall() + kStartRetry);
    co_return false;
  }
  record("Normal", "Created", "Container created", path);
  const Allocation* allocation = node_.allocations.find(uid());
  if (allocation && allocation->contains(name)) {
    node_.actuated.set(uid(), name, amounts_of(container.resources()));
    gate_.spawn(keep_actuated());
  }
  if (what.attempt > 0) back_off_.next(back_off_key(view(), container), node_.loop.wall());
  Result<void> started = co_await node_.runtime.start_container(*id);
  node_.metrics.container_started(container_type(what.place.kind), !started);
  if (!started) {
    waiting_[name] = {"RunContainerError", started.error().message()};
    record("Warning", "Failed", "Error: " + started.error().message(), path);
    wake_at(node_.loop.wall() + kVolumeRetry);
    co_return true;
  }
  waiting_.erase(name);
  record("Normal", "Started", "Container started", path);
  if (container.lifecycle().has_post_start()) {
    hooks_.emplace(*id, StopSource(stop_.token()));
    gate_.spawn(run_post_start(*id, pod, what.place));
  }
  co_return true;
}

// The container whose processes an ephemeral container sees; "": none but its own.
Result<std::string> PodWorker::pid_target(ContainerPlace place) const {
  if (place.kind != ContainerKind::kEphemeral) return std::string();
  std::string_view name = view().spec().ephemeral_containers()[place.index].target_container_name();
  if (name.empty()) return std::string();
  const ContainerRecord* target = state_.newest(name);
  if (target) return target->id;
  return ApiStatus::bad_request("unable to find target container " + std::string(name));
}

// Until it has ended, nothing else of the pod starts, and the container isn't shown as running.
Task<void> PodWorker::run_post_start(std::string id, ObjectPtr pod, ContainerPlace place) {
  core_v1::PodSpec spec = core_v1::Pod(*pod).spec();
  core_v1::Container container = container_at(spec, place);
  HandlerTarget target{id, pod_address(), pod, container};
  HandlerHost host{node_.loop, node_.pool, node_.runtime};
  HandlerResult result = co_await run_hook(host, target, container.lifecycle().post_start(),
                                           kHookLimit, hooks_[id].token());
  hooks_.erase(id);
  if (stop_.stop_requested()) co_return;
  std::string name(container.name());
  if (!result.ok()) {
    record("Warning", "FailedPostStartHook", "PostStartHook failed",
           container_field_path(spec, name));
    waiting_[name] = {"PostStartHookError", result.output};
    kill({id, name, grace_seconds()}, "FailedPostStartHook");
  }
  wake();
}

// Two of each name are kept: the current one and the one that lastState tells of.
Task<void> PodWorker::remove_old_containers() {
  std::map<std::string, int> seen;
  std::vector<ContainerRecord> containers = state_.containers;
  for (const ContainerRecord& c : containers) {
    // A new one was just started, so one older than the newest known is enough.
    if (++seen[c.name] < 2 || c.state != ContainerState::kExited) continue;
    (void)co_await node_.runtime.remove_container(c.id);
    std::string log = c.log_path;
    std::string message = message_file(c.name, c.attempt);
    co_await run_blocking(node_.loop, node_.pool, [log, message] {
      remove_logs(log);
      (void)os::remove_file(message);
    });
  }
}

}  // namespace tiphys::kubelet
