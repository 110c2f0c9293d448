#include "proxy/proxier.h"

#include <set>

#include "base/log.h"
#include "base/strings.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "client/object_key.h"
#include "kinds/discovery_v1.h"
#include "proxy/claims.h"
#include "proxy/from_objects.h"
#include "proxy/iptables_backend.h"
#include "proxy/nft.h"
#include "proxy/nft_backend.h"
#include "proxy/own_addresses.h"
#include "proxy/plane.h"
#include "proxy/proxy_health.h"
#include "proxy/proxy_metrics.h"
#include "proxy/service_health.h"

namespace tiphys::proxy {
namespace {

constexpr Duration kFirstBackOff = std::chrono::seconds(1);
constexpr Duration kLastBackOff = std::chrono::seconds(30);
constexpr const char* kSelector =
    "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
constexpr const char* kByService = "service";
constexpr const char* kComponent = "kube-proxy";  // of events, whatever the process

const schema::Resource& resource(std::string_view group, std::string_view name) {
  return *schema::find_resource(group, "v1", name);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
double seconds(MicroTime time) {
  return static_cast<double>(time) / static_cast<double>(kMicrosPerSecond);
}

std::vector<Cidr> single_addresses(const std::vector<Address>& addresses) {
  std::vector<Cidr> ranges;
  for (const Address& address : addresses) {
    ranges.push_back({address, address.family() == Family::kIpv4 ? 32 : 128});
  }
  return ranges;
}

// Before the first rules: what the kernel needs, and away with what the other mode left.
bool prepare_machine(const Proxier::Options& options) {
  bool bridged = prepare_kernel(options.ipv6);
  Mode other = options.mode == Mode::kIptables ? Mode::kNftables : Mode::kIptables;
  Result<void> cleaned = cleanup(options.settings, other);
  if (!cleaned) LOG_WARNING("Rules of the other mode stay", {"err", cleaned.error()});
  return bridged;
}

// Health check ports are open where node ports are.
std::vector<std::string> health_addresses(const Settings& settings) {
  std::vector<std::string> addresses;
  if (settings.node_port_cidrs.empty()) return addresses;
  for (const std::string& text : own_addresses()) {
    std::optional<Address> address = Address::parse(text);
    bool serves =
        address && std::any_of(settings.node_port_cidrs.begin(), settings.node_port_cidrs.end(),
                               [&](const Cidr& c) { return c.contains(*address); });
    if (serves) addresses.push_back(text);
  }
  return addresses;
}

}  // namespace

struct Proxier::Impl {
  Impl(EpollLoop& loop_in, WorkerPool& pool_in, client::Client& client, Random& random,
       Options opts)
      : loop(loop_in),
        pool(pool_in),
        options(std::move(opts)),
        factory(loop, client, random),
        recorder(loop, client, random, options.node_name),
        services(factory.informer(resource("", "services"), {.label_selector = kSelector})),
        slices(factory.informer(resource("discovery.k8s.io", "endpointslices"),
                                {.label_selector = kSelector})),
        nodes(factory.informer(resource("", "nodes"),
                               {.field_selector = "metadata.name=" + options.node_name})),
        ranges(options.mode == Mode::kNftables
                   ? &factory.informer(resource("networking.k8s.io", "servicecidrs"))
                   : nullptr),
        wake(loop),
        gate(loop),
        metrics(options.metrics ? *options.metrics : own_metrics),
        service_health(loop, [this] { return health.healthy(loop.mono()); }) {
    node.name = options.node_name;
  }

  void watch_objects();
  void on_service(const ObjectPtr& old, const ObjectPtr& now);
  void on_slice(const ObjectPtr& old, const ObjectPtr& now);
  void mark(std::string key);
  Task<void> run();
  Task<bool> prepare();
  Task<void> one_round(Duration* back_off);
  Task<bool> sync();
  Task<bool> sync_plane(Plane* plane);
  void note_sync(const Plane& plane, const PlaneOutcome& outcome, bool full, MonoTime start);
  void note_rules(const Plane& plane, const std::vector<Backend::RuleCount>& rules);
  void note_failure(const Plane& plane, bool full);
  Task<void> check();
  Task<void> check_plane(Plane* plane);
  Task<Result<std::string>> audit_plane(Plane* plane);
  void tell_of_repair(const std::string& what);
  void take_ranges();
  void take_node();
  void make_planes();
  void rebuild(const std::string& key);
  void tell_of_refused(const std::string& key, const std::vector<SliceFacts>& parts);
  void set_health_port(const std::string& key, const ServiceFacts* facts,
                       const std::vector<SliceFacts>& parts);
  void tell_of_conflicts();
  void warn(const std::string& key, std::string_view reason, const std::string& message);
  void serve_health(const std::string& key);
  void note_pending();

  EpollLoop& loop;
  WorkerPool& pool;
  Options options;
  client::InformerFactory factory;
  client::EventRecorder recorder;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& nodes;
  client::Informer* ranges;  // ServiceCIDRs; null: they don't matter
  Event wake;
  Gate gate;
  StopSource stop;
  MetricRegistry own_metrics;
  ProxyMetrics metrics;
  ProxyHealth health;
  ServiceHealth service_health;
  NodeFacts node;
  Settings settings;  // options.settings, with what the node says
  Plane v4;
  Plane v6;
  Claims claims;
  std::set<std::string> dirty;
  std::map<std::string, std::string> refused;  // service -> addresses that were told of
  struct HealthPort {
    uint16_t port = 0;
    int endpoints = 0;
    bool open = false;
  };
  std::map<std::string, HealthPort> health_ports;
  MicroTime started = 0;
  int services_pending = 0;
  int slices_pending = 0;
  bool node_changed = true;
  bool told_of_start = false;
  bool in_sync = false;
  MonoTime next_sync{};
  MonoTime next_check{};
  Counters counters;
};

void Proxier::Impl::mark(std::string key) {
  if (key.empty()) return;
  dirty.insert(std::move(key));
  health.queued(loop.mono());
  for (Family family : {Family::kIpv4, Family::kIpv6}) {
    metrics.last_queued.with({family_name(family)}).set(seconds(loop.wall()));
  }
  note_pending();
  wake.set();
}

void Proxier::Impl::note_pending() {
  metrics.service_changes_pending.get().set(services_pending);
  metrics.endpoint_changes_pending.get().set(slices_pending);
}

void Proxier::Impl::on_service(const ObjectPtr& old, const ObjectPtr& now) {
  metrics.service_changes.get().add();
  ++services_pending;
  mark(client::object_key(now ? *now : *old));
}

void Proxier::Impl::on_slice(const ObjectPtr& old, const ObjectPtr& now) {
  metrics.endpoint_changes.get().add();
  ++slices_pending;
  if (old) mark(service_key_of_slice(*old));
  if (!now) return;
  mark(service_key_of_slice(*now));
  // What happened before this process did, it can't have been quick about.
  std::optional<MicroTime> trigger = trigger_time(*now);
  if (!trigger || *trigger < started || (old && trigger_time(*old) == trigger)) return;
  std::string_view type = discovery_v1::EndpointSlice(*now).address_type();
  (type == "IPv6" ? v6 : v4).triggers.push_back(*trigger);
}

void Proxier::Impl::watch_objects() {
  slices.add_index(kByService, [](const Object& o) {
    return std::vector<std::string>{service_key_of_slice(o)};
  });
  services.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { on_service(old, now); });
  slices.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { on_slice(old, now); });
  auto on_surroundings = [this](const ObjectPtr&, const ObjectPtr&) {
    node_changed = true;
    wake.set();
  };
  nodes.add_handler(on_surroundings);
  if (ranges) ranges->add_handler(on_surroundings);
}

// They stand in rules that only a whole table brings.
void Proxier::Impl::take_ranges() {
  if (!ranges) return;
  std::vector<Cidr> found = service_cidrs(ranges->list());
  if (std::exchange(node.service_cidrs, found) != found) v4.made = v6.made = false;
}

// Zone, ranges and addresses decide about every service; anything else of the Node doesn't matter.
void Proxier::Impl::take_node() {
  node_changed = false;
  take_ranges();
  ObjectPtr object = nodes.get("", options.node_name);
  if (!object) return;
  if (!std::exchange(told_of_start, true)) {
    recorder.record(*object, "Normal", "Starting", "", "", kComponent);
  }
  NodeFacts facts = node_facts(*object);
  facts.service_cidrs = node.service_cidrs;
  health.set_node_eligible(!std::exchange(facts.deleting, false));
  if (facts == node) return;
  bool moved = facts.pod_cidrs != node.pod_cidrs || facts.addresses != node.addresses;
  node = std::move(facts);
  for (const ObjectPtr& service : services.list()) dirty.insert(client::object_key(*service));
  if (!moved) return;
  bool by_node = options.local_by_node_cidr || options.node_ports_on_primary;
  if (by_node) make_planes();
  if (options.settings.masquerade_same_node) v4.made = v6.made = false;
}

void Proxier::Impl::make_planes() {
  settings = options.settings;
  if (options.local_by_node_cidr) settings.cluster_cidrs = node.pod_cidrs;
  if (options.node_ports_on_primary) settings.node_port_cidrs = single_addresses(node.addresses);
  auto custody = std::make_shared<NftCustody>();
  for (Plane* plane : {&v4, &v6}) {
    Family family = plane == &v4 ? Family::kIpv4 : Family::kIpv6;
    plane->reset(options.mode == Mode::kIptables ? make_iptables_backend(settings, family)
                                                 : make_nft_backend(settings, family, custody));
  }
  service_health.listen_on(health_addresses(settings));
}

void Proxier::Impl::warn(const std::string& key, std::string_view reason,
                         const std::string& message) {
  LOG_WARNING(message, {"service", key});
  auto [ns, name] = client::split_key(key);
  if (ObjectPtr service = services.get(ns, name)) {
    recorder.record(*service, "Warning", reason, message, "", kComponent);
  }
}

void Proxier::Impl::tell_of_refused(const std::string& key, const std::vector<SliceFacts>& parts) {
  std::set<std::string> addresses;
  for (const SliceFacts& part : parts) {
    for (const EndpointFacts& endpoint : part.endpoints) {
      if (endpoint.address.is_forbidden_endpoint()) addresses.insert(endpoint.address.text());
    }
  }
  std::string list = join(std::vector<std::string>(addresses.begin(), addresses.end()), ", ");
  if (list.empty()) {
    refused.erase(key);
  } else if (std::exchange(refused[key], list) != list) {
    warn(key, "EndpointAddressRefused",
         "endpoints that no Service may lead to (loopback, link-local, multicast) are ignored: " +
             list);
  }
}

void Proxier::Impl::tell_of_conflicts() {
  for (const Claims::Conflict& conflict : claims.take_new()) {
    warn(conflict.loser, "PortAlreadyAllocated",
         conflict.what + " is served for Service " + conflict.owner + " and can't be for this one");
  }
}

// Opens, closes or tells; what can't be opened is tried again at the next check.
void Proxier::Impl::serve_health(const std::string& key) {
  HealthPort& wanted = health_ports[key];
  Result<void> open = service_health.set(key, wanted.port, wanted.endpoints);
  wanted.open = open.has_value();
  if (!open) {
    warn(key, "FailedToStartServiceHealthcheck",
         "node " + options.node_name + " failed to start healthcheck \"" + key + "\" on port " +
             std::to_string(wanted.port) + ": " + open.error().message());
  }
  if (wanted.port == 0) health_ports.erase(key);
}

void Proxier::Impl::rebuild(const std::string& key) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = services.get(ns, name);
  std::optional<ServiceFacts> facts = object ? service_facts(*object) : std::nullopt;
  std::vector<SliceFacts> parts;
  if (facts) {
    for (const ObjectPtr& slice : slices.by_index(kByService, key)) {
      parts.push_back(slice_facts(*slice));
    }
  }
  const ServiceFacts* known = facts ? &*facts : nullptr;
  for (Plane* plane : {&v4, &v6}) plane->set(key, known, parts, node);
  claims.set(key, known);
  tell_of_refused(key, parts);
  set_health_port(key, known, parts);
}

void Proxier::Impl::set_health_port(const std::string& key, const ServiceFacts* known,
                                    const std::vector<SliceFacts>& parts) {
  bool health_port = known != nullptr && known->external_local && !known->cluster_ips.empty() &&
                     known->health_check_node_port != 0;
  if (health_port) {
    Family family = known->cluster_ips[0].family();
    health_ports[key] = {known->health_check_node_port, local_ready_endpoints(parts, node, family)};
  } else if (auto found = health_ports.find(key); found != health_ports.end()) {
    found->second = {};
  }
}

void Proxier::Impl::note_sync(const Plane& plane, const PlaneOutcome& outcome, bool full,
                              MonoTime start) {
  std::string_view family = family_name(plane.family());
  double took = seconds(loop.mono() - start);
  metrics.sync_duration.with({family}).observe(took);
  (full ? metrics.sync_full_duration : metrics.sync_partial_duration).with({family}).observe(took);
  metrics.last_sync.with({family}).set(seconds(loop.wall()));
  metrics.no_local_endpoints.with({family, "internal"}).set(plane.lacking_internal());
  metrics.no_local_endpoints.with({family, "external"}).set(plane.lacking_external());
  metrics.conntrack_duration.with({family}).observe(seconds(outcome.conntrack_time));
  metrics.conntrack_deleted.with({family}).add(outcome.removed_flows);
}

void Proxier::Impl::note_rules(const Plane& plane, const std::vector<Backend::RuleCount>& rules) {
  for (const Backend::RuleCount& count : rules) {
    std::initializer_list<std::string_view> labels = {family_name(plane.family()), count.table};
    metrics.iptables_rules.with(labels).set(static_cast<double>(count.total));
    metrics.iptables_rules_last.with(labels).set(static_cast<double>(count.written));
  }
}

void Proxier::Impl::note_failure(const Plane& plane, bool full) {
  std::string_view family = family_name(plane.family());
  ++counters.failures;
  if (options.mode == Mode::kNftables) {
    metrics.nftables_failures.with({family}).add();
    return;
  }
  metrics.iptables_failures.with({family}).add();
  if (!full) metrics.iptables_partial_failures.with({family}).add();
}

Task<bool> Proxier::Impl::sync_plane(Plane* plane) {
  std::vector<MicroTime> triggers = std::exchange(plane->triggers, {});
  bool full = !plane->made;
  if (full && plane->family() == Family::kIpv6 && plane->idle()) co_return true;
  MonoTime start = loop.mono();
  Backend::Transaction transaction = plane->backend().take(full, node);
  if (transaction.bytes == 0) co_return true;
  PlaneJob job{std::move(transaction.apply), plane->backend().look(), plane->take_suspects(),
               plane->family()};
  plane->made = false;
  PlaneOutcome outcome = co_await run_blocking(
      loop, pool, [job = std::move(job)]() mutable { return run_plane_job(std::move(job)); });
  if (!outcome.applied) {
    note_failure(*plane, full);
    LOG_ERROR("Can't apply the service rules", {"err", outcome.applied.error()});
    if (!full) {
      tell_of_repair(plane->backend().title() +
                     " didn't take a change: " + outcome.applied.error().message());
    }
    co_return false;
  }
  plane->made = true;
  if (full || plane->seen.empty()) plane->seen = outcome.seen;
  ++counters.transactions;
  counters.full += full ? 1 : 0;
  counters.bytes += static_cast<int64_t>(transaction.bytes);
  note_sync(*plane, outcome, full, start);
  note_rules(*plane, transaction.rules);
  for (MicroTime trigger : triggers) {
    metrics.network_programming.with({family_name(plane->family())})
        .observe(seconds(loop.wall() - trigger));
  }
  LOG_V(4, "Applied service rules", {"bytes", transaction.bytes}, {"full", full});
  co_return true;
}

Task<bool> Proxier::Impl::sync() {
  wake.reset();
  next_sync = loop.mono() + options.min_sync;
  in_sync = false;
  if (node_changed) take_node();
  services_pending = slices_pending = 0;
  std::set<std::string> keys = std::exchange(dirty, {});
  for (const std::string& key : keys) rebuild(key);
  tell_of_conflicts();
  bool done = co_await sync_plane(&v4);
  if (options.ipv6) {
    bool v6_done = co_await sync_plane(&v6);
    done = done && v6_done;
  }
  for (const std::string& key : keys) {
    if (health_ports.contains(key)) serve_health(key);
  }
  if (done && dirty.empty()) health.updated(loop.wall());
  note_pending();
  in_sync = done;
  co_return done;
}

Task<void> Proxier::Impl::check_plane(Plane* plane) {
  if (!plane->made) co_return;
  Result<std::string> seen = co_await run_blocking(loop, pool, plane->backend().look());
  if (!seen) co_return;
  // They may have gone before the first look at them; if that one failed, this is the first.
  bool unknown = plane->seen.empty();
  std::string what = " is gone";
  if (!seen->empty()) {
    bool same = unknown || *seen == plane->seen;
    Result<std::string> found = "";
    if (!same) found = co_await audit_plane(plane);
    if (!found) co_return;
    if (found->empty()) {
      plane->seen = *seen;
      co_return;
    }
    what = " was changed by somebody else: " + *found;
  }
  ++counters.repairs;
  plane->made = false;
  tell_of_repair(plane->backend().title() + what);
}

// What is different; "": nothing of ours.
Task<Result<std::string>> Proxier::Impl::audit_plane(Plane* plane) {
  Backend::Look audit = plane->backend().audit(node);
  if (!audit) co_return "other rules";
  ++counters.audits;
  Result<std::string> found = co_await run_blocking(loop, pool, std::move(audit));
  co_return found;
}

void Proxier::Impl::tell_of_repair(const std::string& what) {
  LOG_WARNING("Our rules don't stand any more: making them anew", {"what", what});
  if (ObjectPtr object = nodes.get("", options.node_name)) {
    recorder.record(*object, "Warning", "ServiceRulesRepaired", what + "; it was made anew", "",
                    kComponent);
  }
}

Task<void> Proxier::Impl::check() {
  co_await check_plane(&v4);
  co_await check_plane(&v6);
  std::vector<std::string> closed;
  for (const auto& [key, wanted] : health_ports) {
    if (!wanted.open) closed.push_back(key);
  }
  for (const std::string& key : closed) serve_health(key);
}

Task<bool> Proxier::Impl::prepare() {
  bool bridged =
      co_await run_blocking(loop, pool, [chosen = options] { return prepare_machine(chosen); });
  options.settings.masquerade_same_node = !bridged;
  bool listed = co_await factory.wait_for_sync(stop.token());
  if (listed) {
    take_node();
    make_planes();
  }
  co_return listed;
}

Task<void> Proxier::Impl::one_round(Duration* back_off) {
  Duration until_check = std::max(next_check - loop.mono(), Duration::zero());
  bool woken = co_await wake.wait(stop.token(), until_check);
  if (stop.stop_requested()) co_return;
  if (loop.mono() >= next_check) {
    co_await check();
    next_check = loop.mono() + options.check_period;
  }
  if (woken) {
    Duration rest = std::max(next_sync - loop.mono(), Duration::zero());
    bool waited = co_await sleep_for(loop, rest, stop.token());
    if (!waited) co_return;
  } else if (v4.made && (v6.made || v6.idle())) {
    co_return;
  }
  bool done = co_await sync();
  if (done) {
    *back_off = kFirstBackOff;
    co_return;
  }
  co_await sleep_for(loop, *back_off, stop.token());
  *back_off = std::min(*back_off * 2, kLastBackOff);
  wake.set();
}

Task<void> Proxier::Impl::run() {
  bool ready = co_await prepare();
  if (!ready) co_return;
  wake.set();
  next_check = loop.mono() + options.check_period;
  Duration back_off = kFirstBackOff;
  while (!stop.stop_requested()) co_await one_round(&back_off);
}

Proxier::Proxier(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random,
                 Options options)
    : impl_(std::make_unique<Impl>(loop, pool, client, random, std::move(options))) {}
Proxier::~Proxier() = default;

void Proxier::start() {
  impl_->started = impl_->loop.wall();
  impl_->watch_objects();
  impl_->factory.start();
  impl_->gate.spawn(impl_->run());
}

Task<void> Proxier::stop() {
  impl_->stop.request_stop();
  co_await impl_->gate.close();
  co_await impl_->service_health.stop();
  co_await impl_->factory.stop();
  co_await impl_->recorder.stop();
}

bool Proxier::synced() const { return impl_->in_sync; }
const Proxier::Counters& Proxier::counters() const { return impl_->counters; }

net::Response Proxier::healthz() const {
  net::Response response = impl_->health.healthz(impl_->loop.mono(), impl_->loop.wall());
  impl_->metrics.healthz.with({std::to_string(response.status)}).add();
  return response;
}

net::Response Proxier::livez() const {
  net::Response response = impl_->health.livez(impl_->loop.mono(), impl_->loop.wall());
  impl_->metrics.livez.with({std::to_string(response.status)}).add();
  return response;
}

std::string Proxier::metrics_text() const {
  return (impl_->options.metrics ? *impl_->options.metrics : impl_->own_metrics).text();
}

Result<void> cleanup(const Settings& settings, Mode mode) {
  if (mode == Mode::kIptables) return iptables_cleanup(settings);
  Result<void> v4 = nft_remove_table(settings.table, Family::kIpv4);
  Result<void> v6 = nft_remove_table(settings.table, Family::kIpv6);
  return v4 ? v6 : v4;
}

}  // namespace tiphys::proxy
