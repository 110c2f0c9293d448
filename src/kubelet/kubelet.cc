#include "kubelet/kubelet.h"

#include "base/log.h"
#include "client/informer.h"
#include "client/rate_limit.h"
#include "kubelet/certificates/certificate_manager.h"
#include "kubelet/images/image_gc.h"
#include "kubelet/logs/log_rotator.h"
#include "kubelet/network/route_keeper.h"
#include "kubelet/node/node_keeper.h"
#include "kubelet/pods/mirror_pods.h"
#include "kubelet/pods/pod_manager.h"
#include "kubelet/pods/preemption.h"
#include "kubelet/pods/static_pod_source.h"
#include "kubelet/pods/static_pod_url.h"
#include "kubelet/resources/node_cgroups.h"
#include "kubelet/runtime/cri.h"
#include "kubelet/server/kubelet_server.h"
#include "kubelet/volumes/storage_limits.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr int kHostCallThreads = 32;
constexpr int kDiskCallThreads = 16;

}  // namespace

struct Kubelet::Impl {
  Impl(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random, Options given);

  NodeServices::Admitted admit(const Object& pod);
  std::optional<Why> judge_resize(const Object& pod) const;
  AdmissionInput admission_input(const Object& own, const Object& pod,
                                 const std::vector<ObjectPtr>& active) const;
  void serve_with(const CertificatePair& pair);
  void start_serving_certificate();
  std::vector<ObjectPtr> services_of(std::string_view ns) const;
  ObjectPtr current_node() const;
  std::string node_uid() const;

  Options options;
  EpollLoop& loop;
  client::LimitedClients limited;
  client::LimitedClients limited_events;
  client::Client& client;
  client::Transport& transport;
  StopSource stop;
  KubeletMetrics metrics;
  Cri cri;
  Containerd containerd;
  ImagePuller puller;
  client::EventRecorder events;
  NodeKeeper keeper;
  RouteKeeper routes;
  client::InformerFactory informers;
  client::Informer& pods;
  client::Informer& services;
  client::Informer& nodes;  // our own only
  EventStream stream;
  ReferenceWatch references;
  AllocationStore allocations;
  AllocationStore actuated;
  VolumeCalls host_calls;
  VolumeCalls disk_calls;
  NodeServices node;
  PodManager manager;
  StaticPodSource static_pods;
  StaticPodUrl static_pod_url;
  MirrorPods mirrors;
  StorageLimits storage_limits;
  NodeCgroups groups;
  LogRotator rotator;
  ImageGc image_gc;
  UsageReader usage;
  KubeletServer server;
  CertificateStore serving_store;
  CertificateManager serving;  // with serverTLSBootstrap
  bool started = false;
};

namespace {

Options completed(Options options) {
  NodeKeeper::complete(options);
  return options;
}

// Images are in the data folder, as is everything of our own runtime.
ImageGc::DiskUse image_disk(const std::string& folder) {
  MachinePressure pressure = read_machine_pressure(folder);
  return {pressure.disk_total, pressure.disk_available};
}

std::optional<os::Cgroups> detect_cgroups() {
  Result<os::Cgroups> found = os::Cgroups::detect();
  if (found) return std::move(*found);
  LOG_WARNING("No cgroups: limits are left to the runtime", {"err", found.error()});
  return std::nullopt;
}

// Nothing limits where the options say 0. The node's lease and status are never limited.
client::RateLimit limit_of(int64_t qps, int64_t burst) {
  return {.qps = qps == 0 ? -1 : static_cast<double>(qps), .burst = burst};
}

const schema::Resource& core(std::string_view name) {
  return *schema::find_resource("", "v1", name);
}

client::ListOptions where(const std::string& field, const std::string& value) {
  client::ListOptions out;
  out.field_selector = field + "=" + value;
  return out;
}

}  // namespace

Kubelet::Impl::Impl(EpollLoop& l, WorkerPool& pool, client::Client& c, Random& random,
                    Options given)
    : options(completed(std::move(given))),
      loop(l),
      limited(l, limit_of(options.kube_api_qps, options.kube_api_burst)),
      limited_events(l, limit_of(options.event_record_qps, options.event_burst)),
      client(limited.client_of("kubelet", c)),
      transport(c.transport()),
      metrics(options.node_name),
      cri(l, Containerd::socket_path(options), stop.token()),
      containerd(l, pool, cri, options),
      puller(l, cri, [this] { return containerd.import_new_images(); }),
      events(l, limited_events.client_of("events", c), random, options.node_name),
      keeper(l, pool, c, cri, containerd, options),
      routes(l, pool, c, random, events, options),
      informers(l, client, random),
      pods(informers.informer(core("pods"), where("spec.nodeName", options.node_name))),
      services(informers.informer(core("services"))),
      nodes(informers.informer(core("nodes"), where("metadata.name", options.node_name))),
      stream(l, Containerd::socket_path(options)),
      references(l, c, random),
      allocations(l, pool, options.root_dir + "/allocated_pods_state"),
      actuated(l, pool, options.root_dir + "/actuated_pods_state"),
      host_calls(l, kHostCallThreads),
      disk_calls(l, kDiskCallThreads),
      node{.loop = l,
           .pool = pool,
           .client = client,
           .events = events,
           .random = random,
           .runtime = cri,
           .containerd = containerd,
           .puller = puller,
           .metrics = metrics,
           .references = references,
           .allocations = allocations,
           .actuated = actuated,
           .host_calls = host_calls,
           .disk_calls = disk_calls,
           .options = options},
      manager(node, pods, stream),
      static_pods(l, pool, options),
      static_pod_url(l, options),
      mirrors(l, c, pods,
              {.static_pods = [this] { return manager.static_pods(); },
               .complete = [this] { return manager.static_pods_complete(); },
               .node_uid = [this] { return node_uid(); },
               .node_name = options.node_name}),
      storage_limits(node, {[this] { return manager.active_pods(); },
                            [this](const std::string& uid) { return manager.containers(uid); },
                            [this](const std::string& uid, const std::string& message) {
                              manager.evict(uid, message);
                            }}),
      groups(node, manager, keeper),
      rotator(node, manager),
      image_gc(node, [folder = options.data_dir] { return image_disk(folder); }),
      usage(node, manager, keeper.facts().machine.cpus),
      server(l, pool, client, cri, manager, usage, metrics, options),
      serving_store(options.cert_dir, "kubelet-server"),
      serving(l, client, random, serving_store,
              serving_certificate_wish(options.node_name, options.node_ips),
              {.on_renewed = [this](const CertificatePair& pair, std::optional<Duration> lived) {
                serve_with(pair);
                if (lived) metrics.serving_certificate_lived(*lived);
              }}) {
  cri.observe([this](std::string_view method, Duration took, bool failed) {
    metrics.runtime_operation(method, took, failed);
  });
  if (options.client_certificate) metrics.watch_client_certificate(options.client_certificate);
  transport.observe([this](const client::Sent& sent) { metrics.rest_request(sent); });
  puller.observe([this](Duration took, int64_t bytes) { metrics.image_pulled(took, bytes); });
  cri.set_request_timeout(options.runtime_request_timeout);
  node.cgroups = detect_cgroups();
  if (node.cgroups) metrics.cgroup_version(node.cgroups->v2() ? 2 : 1);
  node.host_ips = options.node_ips;
  node.allocatable = node_allocatable(keeper.facts(), options);
  node.memory_capacity = keeper.facts().machine.memory_bytes;
  bool v2 = node.cgroups && node.cgroups->v2();
  node.limits = limit_rules(options, v2, os::huge_page_sizes());
  node.reference = node_reference(options);
  node.update_tiers = [this] { return groups.update_tiers(); };
  node.services = [this](std::string_view ns) { return services_of(ns); };
  node.admit = [this](const Object& pod) { return admit(pod); };
  node.judge_resize = [this](const Object& pod) { return judge_resize(pod); };
  node.uses_node = [this](const std::string& uid) { return manager.uses_node(uid); };
  node.retry_resizes = [this](std::string_view trigger) { manager.retry_resizes(trigger); };
  node.room_made = [this] { manager.room_made(); };
  node.network_ready = [this] { return keeper.network_ready(); };
  node.static_changed = [this] { mirrors.wake(); };
  node.informed = [this] { return services.synced() && nodes.synced(); };
}

NodeServices::Admitted Kubelet::Impl::admit(const Object& pod) {
  ObjectPtr own = current_node();
  if (!own) return {};  // not registered: the scheduler's word is all there is
  std::vector<ObjectPtr> active = manager.active_pods();
  AdmissionInput input = admission_input(*own, pod, active);
  Admission admission = admit_or_preempt(input, core_v1::Pod(pod));
  NodeServices::Admitted out{std::move(admission.refusal), {}, {}};
  for (size_t at : admission.victims) {
    core_v1::Pod victim = input.active[at];
    LOG_INFO("Preempting a pod to free up resources", {"pod", pod_label(victim)},
             {"for", pod_label(core_v1::Pod(pod))});
    out.making_room.emplace_back(victim.metadata().uid());
    out.limit = std::max(out.limit, preemption_limit(victim.spec()));
    manager.preempt(out.making_room.back());
    metrics.preempted(admission.lacking);
  }
  return out;
}

std::optional<Why> Kubelet::Impl::judge_resize(const Object& pod) const {
  ObjectPtr own = current_node();
  if (!own) return Why{"Deferred", "the node isn't registered"};
  std::vector<ObjectPtr> active = manager.active_pods();
  return tiphys::kubelet::judge_resize(admission_input(*own, pod, active), core_v1::Pod(pod));
}

// As it is now, with taints and labels that others set a moment ago; null before it is registered.
ObjectPtr Kubelet::Impl::current_node() const {
  ObjectPtr watched = nodes.get("", options.node_name);
  return watched ? watched : keeper.node();
}

// Beside the other pods that are active. Borrows from own and from active.
AdmissionInput Kubelet::Impl::admission_input(const Object& own, const Object& pod,
                                              const std::vector<ObjectPtr>& active) const {
  AdmissionInput input{
      .node = core_v1::Node(own),
      .active = {},
      .allowed_unsafe_sysctls = options.allowed_unsafe_sysctls,
      .apparmor = keeper.facts().machine.apparmor,
      .supplemental_groups_policy = keeper.facts().supplemental_groups_policy == true};
  std::string_view uid = core_v1::Pod(pod).metadata().uid();
  for (const ObjectPtr& one : active) {
    core_v1::Pod other(*one);
    if (other.metadata().uid() != uid) input.active.push_back(other);
  }
  return input;
}

std::string Kubelet::Impl::node_uid() const {
  return keeper.node() ? std::string(core_v1::Node(*keeper.node()).metadata().uid()) : "";
}

std::vector<ObjectPtr> Kubelet::Impl::services_of(std::string_view ns) const {
  std::vector<ObjectPtr> out = services.list(ns);
  if (ns == "default") return out;
  if (ObjectPtr master = services.get("default", "kubernetes")) out.push_back(std::move(master));
  return out;
}

void Kubelet::Impl::serve_with(const CertificatePair& pair) {
  Result<void> replaced = server.replace_certificate(pair.certificate_pem, pair.key_pem);
  if (!replaced) LOG_ERROR("Serving certificate not replaced", {"err", replaced.error()});
}

// The one that was kept, if it is valid, and the next ones; until the first comes, our own.
void Kubelet::Impl::start_serving_certificate() {
  if (!options.server_tls_bootstrap || !options.tls_cert_pem.empty()) return;
  std::optional<CertificatePair> kept = serving_store.load();
  if (kept) serve_with(*kept);
  metrics.watch_serving_certificate([this] { return serving.numbers(); });
  serving.start(std::move(kept));
}

Kubelet::Kubelet(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random,
                 Options options)
    : impl_(std::make_unique<Impl>(loop, pool, client, random, std::move(options))) {}

Kubelet::~Kubelet() { impl_->transport.observe(nullptr); }

Result<void> Kubelet::start() {
  Impl& k = *impl_;
  for (const std::string& folder :
       {k.options.data_dir, k.options.root_dir, k.options.pod_logs_dir}) {
    Result<void> made = os::make_dirs(folder, 0755);
    if (!made) return made;
  }
  Result<void> listening = k.server.start();
  if (!listening) return listening;
  k.allocations.load();
  k.actuated.load();
  k.started = true;
  k.start_serving_certificate();
  k.containerd.on_change([&k](bool ready) {
    k.keeper.wake();
    if (ready) k.manager.wake_all();
  });
  k.keeper.on_network_ready([&k] { k.manager.wake_all(); });
  k.keeper.on_network_repaired([&k](const std::string& tables) {
    k.events.record(*k.node.reference, "Warning", "PodNetworkRepaired",
                    "nftables " + tables + " changed by somebody else; made anew");
  });
  k.containerd.start();
  k.keeper.start(k.server.port());
  k.routes.on_pod_mtu([&k](int mtu) { k.keeper.set_pod_mtu(mtu); });
  k.routes.start();
  k.groups.start();
  k.manager.start();
  k.static_pods.start([&k](std::vector<ObjectPtr> pods) {
    k.manager.set_static_pods(kFileSource, std::move(pods));
  });
  k.static_pod_url.start([&k](std::vector<ObjectPtr> pods) {
    k.manager.set_static_pods(kUrlSource, std::move(pods));
  });
  k.mirrors.start();
  k.storage_limits.start();
  k.rotator.start();
  k.image_gc.start();
  k.informers.start();
  return {};
}

uint16_t Kubelet::port() const { return impl_->server.port(); }

void Kubelet::add_metrics(std::function<std::string()> text) {
  impl_->metrics.add_text(std::move(text));
}

Result<void> Kubelet::replace_serving_certificate(std::string certificate_pem,
                                                  std::string key_pem) {
  return impl_->server.replace_certificate(std::move(certificate_pem), std::move(key_pem));
}

Task<void> Kubelet::stop() {
  Impl& k = *impl_;
  if (!k.started) co_return;
  k.started = false;
  co_await k.serving.stop();
  co_await k.server.stop();
  co_await k.usage.stop();
  co_await k.informers.stop();
  co_await k.static_pods.stop();
  co_await k.static_pod_url.stop();
  co_await k.mirrors.stop();
  k.stop.request_stop();  // ends calls to the runtime, and the workers that wait for them
  co_await k.storage_limits.stop();
  co_await k.image_gc.stop();
  co_await k.rotator.stop();
  co_await k.manager.stop();
  co_await k.references.stop();
  co_await k.groups.stop();
  co_await k.stream.stop();
  co_await k.routes.stop();
  co_await k.keeper.stop();
  co_await k.events.stop();
  co_await k.containerd.stop();
  co_await k.cri.stop();
}

}  // namespace tiphys::kubelet
