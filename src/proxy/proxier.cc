#include "proxy/proxier.h"

#include <set>

#include "async/deadline.h"
#include "base/log.h"
#include "client/informer.h"
#include "client/object_key.h"
#include "kinds/discovery_v1.h"
#include "proxy/claims.h"
#include "proxy/conntrack_table.h"
#include "proxy/from_objects.h"
#include "proxy/health_ports.h"
#include "proxy/iptables_backend.h"
#include "proxy/nft.h"
#include "proxy/nft_backend.h"
#include "proxy/proxy_events.h"
#include "proxy/proxy_health.h"
#include "proxy/proxy_metrics.h"
#include "proxy/sync_pace.h"

namespace tiphys::proxy {
namespace {

constexpr Duration kFirstBackOff = std::chrono::seconds(1);
constexpr Duration kLastBackOff = std::chrono::seconds(30);
// Of ServiceCIDRs, which API servers before v1.33 don't serve: the rules can do without.
constexpr Duration kRangesPatience = std::chrono::seconds(1);
constexpr const char* kSelector =
    "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
constexpr const char* kByService = "service";

const schema::Resource& resource(std::string_view group, std::string_view name) {
  return *schema::find_resource(group, "v1", name);
}

std::vector<Cidr> single_addresses(const std::vector<Address>& addresses) {
  std::vector<Cidr> ranges;
  for (const Address& address : addresses) {
    ranges.push_back({address, address.family() == Family::kIpv4 ? 32 : 128});
  }
  return ranges;
}

}  // namespace

struct Proxier::Impl {
  Impl(EpollLoop& loop_in, WorkerPool& pool_in, client::Client& client, Random& random,
       Options opts)
      : loop(loop_in),
        pool(pool_in),
        options(std::move(opts)),
        factory(loop, client, random),
        services(factory.informer(resource("", "services"),
                                  {.label_selector = kSelector, .send_initial_events = true})),
        slices(factory.informer(resource("discovery.k8s.io", "endpointslices"),
                                {.label_selector = kSelector, .send_initial_events = true})),
        nodes(factory.informer(resource("", "nodes"),
                               {.field_selector = "metadata.name=" + options.node_name})),
        ranges(options.mode == Mode::kNftables
                   ? &factory.informer(resource("networking.k8s.io", "servicecidrs"))
                   : nullptr),
        pace(options.min_sync, options.mode == Mode::kIptables ? Rest::kByCost : Rest::kNone),
        wake(loop),
        gate(loop),
        metrics(options.metrics ? *options.metrics : own_metrics),
        events(loop, client, random, services, nodes, options.node_name),
        kernel(loop, pool, metrics, options.mode,
               [this](const std::string& what) { events.tell_of_repair(what); }),
        health_ports(
            loop, [this] { return health.healthy(loop.mono()); },
            [this](const std::string& service, uint16_t port, const ApiStatus& why) {
              events.tell_of_closed_port(service, port, why);
            }) {
    node.name = options.node_name;
  }

  void watch_objects();
  void on_service(const ObjectPtr& old, const ObjectPtr& now);
  void on_slice(const ObjectPtr& old, const ObjectPtr& now);
  void mark(std::string key);
  Task<void> run();
  Task<bool> wait_for_objects();
  Task<bool> prepare();
  Task<void> one_round(Duration* back_off);
  Task<bool> sync();
  Task<void> check();
  void take_ranges();
  void take_node();
  void make_planes();
  void rebuild(const std::string& key);
  void note_pending();

  EpollLoop& loop;
  WorkerPool& pool;
  Options options;
  client::InformerFactory factory;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& nodes;
  client::Informer* ranges;  // ServiceCIDRs; null: they don't matter
  SyncPace pace;
  Event wake;
  Gate gate;
  StopSource stop;
  MetricRegistry own_metrics;
  ProxyMetrics metrics;
  ProxyHealth health;
  ProxyEvents events;
  PlaneSync kernel;
  HealthPorts health_ports;
  NodeFacts node;
  Settings settings;  // options.settings, with what the node says
  Plane v4;
  Plane v6;
  Claims claims;
  std::set<std::string> dirty;
  MicroTime started = 0;
  int services_pending = 0;
  int slices_pending = 0;
  bool node_changed = true;
  bool in_sync = false;
  MonoTime next_check{};
};

void Proxier::Impl::mark(std::string key) {
  if (key.empty()) return;
  dirty.insert(std::move(key));
  health.queued(loop.mono());
  for (Family family : {Family::kIpv4, Family::kIpv6}) {
    metrics.last_queued.with({family_name(family)}).set(in_seconds(loop.wall()));
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
  events.tell_of_start();
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
  health_ports.listen_where(settings);
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
  events.tell_of_refused(key, parts);
  health_ports.want(key, known, parts, node);
}

Task<bool> Proxier::Impl::sync() {
  wake.reset();
  pace.begin(loop.mono());
  in_sync = false;
  if (node_changed) take_node();
  services_pending = slices_pending = 0;
  std::set<std::string> keys = std::exchange(dirty, {});
  for (const std::string& key : keys) rebuild(key);
  events.tell_of_conflicts(claims.take_new());
  bool done = co_await kernel.apply(&v4, &node);
  if (options.ipv6) {
    bool v6_done = co_await kernel.apply(&v6, &node);
    done = done && v6_done;
  }
  pace.end(loop.mono());
  health_ports.serve(keys);
  if (done && dirty.empty()) health.updated(loop.wall());
  note_pending();
  in_sync = done;
  co_return done;
}

Task<void> Proxier::Impl::check() {
  co_await kernel.check(&v4, &node);
  co_await kernel.check(&v6, &node);
  health_ports.try_again();
}

Task<bool> Proxier::Impl::wait_for_objects() {
  for (client::Informer* needed : {&services, &slices, &nodes}) {
    bool listed = co_await needed->wait_for_sync(stop.token());
    if (!listed) co_return false;
  }
  if (ranges) {
    Deadline patience(loop, kRangesPatience, stop.token());
    (void)co_await ranges->wait_for_sync(patience.token());
  }
  co_return !stop.stop_requested();
}

Task<bool> Proxier::Impl::prepare() {
  bool bridged =
      co_await run_blocking(loop, pool, [chosen = options] { return prepare_machine(chosen); });
  options.settings.masquerade_same_node = !bridged;
  options.settings.conntrack_liberal = conntrack_is_liberal();
  bool listed = co_await wait_for_objects();
  if (listed) {
    take_node();
    make_planes();
  }
  co_return listed;
}

Task<void> Proxier::Impl::one_round(Duration* back_off) {
  // Zero would be no limit: what took longer than check_period must not end the checks.
  Duration until_check = std::max(next_check - loop.mono(), Duration(1));
  bool woken = co_await wake.wait(stop.token(), until_check);
  if (stop.stop_requested()) co_return;
  if (loop.mono() >= next_check) {
    co_await check();
    next_check = loop.mono() + options.check_period;
  }
  if (woken) {
    Duration rest = std::max(pace.next() - loop.mono(), Duration::zero());
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
  co_await impl_->health_ports.stop();
  co_await impl_->factory.stop();
  co_await impl_->events.stop();
}

bool Proxier::synced() const { return impl_->in_sync; }
const Proxier::Counters& Proxier::counters() const { return impl_->kernel.counters(); }

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

void Proxier::tell_of_failure(std::string_view reason, const std::string& message) {
  impl_->events.tell_of_failure(reason, message);
}

bool prepare_machine(const Proxier::Options& options) {
  bool bridged = prepare_kernel(options.ipv6);
  Mode other = options.mode == Mode::kIptables ? Mode::kNftables : Mode::kIptables;
  Result<void> cleaned = cleanup(options.settings, other);
  if (!cleaned) LOG_WARNING("Rules of the other mode stay", {"err", cleaned.error()});
  return bridged;
}

Result<void> cleanup(const Settings& settings, Mode mode) {
  if (mode == Mode::kIptables) return iptables_cleanup(settings);
  Result<void> outcome;
  for (const std::string& table : {settings.table, stand_in_of(settings.table)}) {
    for (Family family : {Family::kIpv4, Family::kIpv6}) {
      Result<void> gone = nft_remove_table(table, family);
      if (!gone) outcome = gone;
    }
  }
  return outcome;
}

}  // namespace tiphys::proxy
