#include "proxy/proxier.h"

#include <set>

#include "base/log.h"
#include "client/event_recorder.h"
#include "client/informer.h"
#include "client/object_key.h"
#include "proxy/conntrack_table.h"
#include "proxy/from_objects.h"
#include "proxy/iptables_backend.h"
#include "proxy/nft.h"
#include "proxy/nft_backend.h"

namespace tiphys::proxy {
namespace {

constexpr Duration kFirstBackOff = std::chrono::seconds(1);
constexpr Duration kLastBackOff = std::chrono::seconds(30);
constexpr const char* kSelector =
    "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
constexpr const char* kByService = "service";

const schema::Resource& resource(std::string_view group, std::string_view name) {
  return *schema::find_resource(group, "v1", name);
}

// What one family has in the kernel.
struct Plane {
  std::unique_ptr<Backend> backend;
  bool made = false;                     // our last transaction succeeded
  std::string seen;                      // by a look after it
  std::map<std::string, Fronts> fronts;  // by service
  Fronts suspects;  // whose flows have to be looked at after the next transaction

  Family family() const { return backend->family(); }
};

// Work for the pool: it owns what it needs.
struct Job {
  std::function<Result<void>()> apply;
  Backend::Look look;
  Fronts suspects;
  Family family = Family::kIpv4;
};
struct Outcome {
  Result<void> applied;
  std::string seen;
};

Outcome run_job(Job job) {
  Outcome outcome{job.apply(), ""};
  if (!outcome.applied) return outcome;
  if (Result<std::string> seen = job.look()) outcome.seen = *seen;
  Result<int> gone = remove_stale_flows(job.suspects, job.family);
  if (!gone) LOG_WARNING("Stale UDP flows stay", {"err", gone.error()});
  return outcome;
}

std::unique_ptr<Backend> make_iptables(const Settings& settings, Family family) {
  return make_iptables_backend(settings, family);
}

}  // namespace

struct Proxier::Impl {
  Impl(Loop& loop_in, WorkerPool& pool_in, client::Client& client, Random& random, Options opts)
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
        wake(loop),
        gate(loop) {
    node.name = options.node_name;
  }

  void watch_objects();
  void mark(std::string key);
  Task<void> run();
  Task<bool> prepare();
  Task<void> one_round(Duration* back_off);
  Task<bool> sync();
  Task<bool> sync_plane(Plane* plane);
  Task<void> check();
  Task<void> check_plane(Plane* plane);
  void take_node();
  void rebuild(const std::string& key);
  void rebuild_plane(Plane& plane, const std::string& key, const ServiceFacts* facts,
                     const std::vector<SliceFacts>& parts);

  Loop& loop;
  WorkerPool& pool;
  Options options;
  client::InformerFactory factory;
  client::EventRecorder recorder;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& nodes;
  Event wake;
  Gate gate;
  StopSource stop;
  NodeFacts node;
  Plane v4;
  Plane v6;
  std::set<std::string> dirty;
  bool node_changed = true;
  bool in_sync = false;
  MonoTime next_sync{};
  Counters counters;
};

void Proxier::Impl::mark(std::string key) {
  if (key.empty()) return;
  dirty.insert(std::move(key));
  wake.set();
}

void Proxier::Impl::watch_objects() {
  slices.add_index(kByService, [](const Object& o) {
    return std::vector<std::string>{service_key_of_slice(o)};
  });
  services.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    mark(client::object_key(now ? *now : *old));
  });
  slices.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) mark(service_key_of_slice(*old));
    if (now) mark(service_key_of_slice(*now));
  });
  nodes.add_handler([this](const ObjectPtr&, const ObjectPtr&) {
    node_changed = true;
    wake.set();
  });
}

// Zone and pod range decide about every service; anything else of the Node doesn't matter.
void Proxier::Impl::take_node() {
  node_changed = false;
  ObjectPtr object = nodes.get("", options.node_name);
  if (!object) return;
  NodeFacts facts = node_facts(*object);
  if (facts == node) return;
  bool ranges = facts.pod_cidrs != node.pod_cidrs;
  node = std::move(facts);
  for (const ObjectPtr& service : services.list()) dirty.insert(client::object_key(*service));
  if (ranges && options.settings.masquerade_same_node) v4.made = v6.made = false;
}

void Proxier::Impl::rebuild_plane(Plane& plane, const std::string& key, const ServiceFacts* facts,
                                  const std::vector<SliceFacts>& parts) {
  plane.backend->set(key, facts, parts, node);
  Fronts now;
  if (facts != nullptr) {
    std::vector<Targets> targets;
    for (const ServicePort& port : facts->ports) {
      targets.push_back(select_targets(port, parts, node, plane.family()));
    }
    now = fronts_of(*facts, targets, plane.family());
  }
  Fronts& before = plane.fronts[key];
  add_changed_fronts(before, now, plane.suspects);
  before = std::move(now);
  if (before.empty()) plane.fronts.erase(key);
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
  for (Plane* plane : {&v4, &v6}) rebuild_plane(*plane, key, facts ? &*facts : nullptr, parts);
}

Task<bool> Proxier::Impl::sync_plane(Plane* plane) {
  bool full = !plane->made;
  if (full && plane->family() == Family::kIpv6 && plane->backend->empty()) co_return true;
  Backend::Transaction transaction = plane->backend->take(full, node);
  if (transaction.bytes == 0) co_return true;
  Job job{std::move(transaction.apply), plane->backend->look(), std::exchange(plane->suspects, {}),
          plane->family()};
  plane->made = false;
  Outcome outcome = co_await run_blocking(
      loop, pool, [job = std::move(job)]() mutable { return run_job(std::move(job)); });
  if (!outcome.applied) {
    ++counters.failures;
    LOG_ERROR("Can't apply the service rules", {"err", outcome.applied.error()});
    co_return false;
  }
  plane->made = true;
  plane->seen = outcome.seen;
  ++counters.transactions;
  counters.full += full ? 1 : 0;
  counters.bytes += static_cast<int64_t>(transaction.bytes);
  LOG_V(4, "Applied service rules", {"bytes", transaction.bytes}, {"full", full});
  co_return true;
}

Task<bool> Proxier::Impl::sync() {
  wake.reset();
  next_sync = loop.mono() + options.min_sync;
  in_sync = false;
  if (node_changed) take_node();
  for (const std::string& key : std::exchange(dirty, {})) rebuild(key);
  bool v4_done = co_await sync_plane(&v4);
  bool v6_done = true;
  if (options.ipv6) v6_done = co_await sync_plane(&v6);
  in_sync = v4_done && v6_done;
  co_return in_sync;
}

Task<void> Proxier::Impl::check_plane(Plane* plane) {
  if (!plane->made || plane->seen.empty()) co_return;
  Result<std::string> seen = co_await run_blocking(loop, pool, plane->backend->look());
  if (!seen || *seen == plane->seen) co_return;
  ++counters.repairs;
  plane->made = false;
  std::string what =
      plane->backend->title() + (seen->empty() ? " is gone" : " was changed by somebody else");
  LOG_WARNING("Our rules don't stand any more: making them anew", {"what", what});
  if (ObjectPtr object = nodes.get("", options.node_name)) {
    recorder.record(*object, "Warning", "ServiceRulesRepaired", what + "; it was made anew");
  }
}

Task<void> Proxier::Impl::check() {
  co_await check_plane(&v4);
  co_await check_plane(&v6);
}

// Before the first rules: what the kernel needs, and away with what the other mode left. The chains
// of iptables belong to the machine's one cluster, which has the table of the usual name.
static bool prepare_machine(const Proxier::Options& options) {
  bool bridged = prepare_kernel(options.ipv6);
  bool usual = options.settings.table == Settings().table;
  Result<void> cleaned;
  if (options.mode == Mode::kIptables) cleaned = cleanup(options.settings, Mode::kNftables);
  if (options.mode == Mode::kNftables && usual)
    cleaned = cleanup(options.settings, Mode::kIptables);
  if (!cleaned) LOG_WARNING("Rules of the other mode stay", {"err", cleaned.error()});
  return bridged;
}

Task<bool> Proxier::Impl::prepare() {
  bool bridged =
      co_await run_blocking(loop, pool, [chosen = options] { return prepare_machine(chosen); });
  options.settings.masquerade_same_node = !bridged;
  auto make = options.mode == Mode::kIptables ? make_iptables : make_nft_backend;
  v4.backend = make(options.settings, Family::kIpv4);
  v6.backend = make(options.settings, Family::kIpv6);
  bool listed = co_await factory.wait_for_sync(stop.token());
  co_return listed;
}

Task<void> Proxier::Impl::one_round(Duration* back_off) {
  bool woken = co_await wake.wait(stop.token(), options.check_period);
  if (stop.stop_requested()) co_return;
  if (woken) {
    Duration rest = std::max(next_sync - loop.mono(), Duration::zero());
    bool waited = co_await sleep_for(loop, rest, stop.token());
    if (!waited) co_return;
  } else {
    co_await check();
    if (v4.made && (v6.made || v6.backend->empty())) co_return;
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
  Duration back_off = kFirstBackOff;
  while (!stop.stop_requested()) co_await one_round(&back_off);
}

Proxier::Proxier(Loop& loop, WorkerPool& pool, client::Client& client, Random& random,
                 Options options)
    : impl_(std::make_unique<Impl>(loop, pool, client, random, std::move(options))) {}
Proxier::~Proxier() = default;

void Proxier::start() {
  impl_->watch_objects();
  impl_->factory.start();
  impl_->gate.spawn(impl_->run());
}

Task<void> Proxier::stop() {
  impl_->stop.request_stop();
  co_await impl_->gate.close();
  co_await impl_->factory.stop();
  co_await impl_->recorder.stop();
}

bool Proxier::synced() const { return impl_->in_sync; }
const Proxier::Counters& Proxier::counters() const { return impl_->counters; }

Result<void> cleanup(const Settings& settings, Mode mode) {
  if (mode == Mode::kIptables) return iptables_cleanup();
  Result<void> v4 = nft_remove_table(settings.table, Family::kIpv4);
  Result<void> v6 = nft_remove_table(settings.table, Family::kIpv6);
  return v4 ? v6 : v4;
}

}  // namespace tiphys::proxy
