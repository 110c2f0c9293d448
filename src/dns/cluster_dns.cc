#include "dns/cluster_dns.h"

#include <algorithm>
#include <set>

#include "async/deadline.h"
#include "base/log.h"
#include "client/informer.h"
#include "client/object_key.h"
#include "codec/codec.h"
#include "dns/clients.h"
#include "dns/forwarder.h"
#include "dns/from_objects.h"
#include "dns/metrics_server.h"
#include "dns/server.h"
#include "kinds/core_v1.h"
#include "kinds/networking_v1.h"
#include "os/interfaces.h"

namespace tiphys::dns {

namespace {

constexpr const char* kByService = "service";
constexpr Duration kRetry = std::chrono::seconds(2);
constexpr Duration kLastRetry = std::chrono::seconds(30);
constexpr Duration kAnnounceTime = std::chrono::seconds(2);

const schema::Resource& resource(std::string_view group, std::string_view name) {
  return *schema::find_resource(group, "v1", name);
}

Result<std::vector<IpPrefix>> prefixes(const std::vector<std::string>& texts) {
  std::vector<IpPrefix> out;
  for (const std::string& text : texts) {
    std::optional<IpPrefix> prefix = parse_cidr(text);
    if (!prefix) return ApiStatus::bad_request("invalid CIDR address: " + text);
    out.push_back(*prefix);
  }
  return out;
}

std::vector<IpAddress> own_addresses() {
  std::vector<IpAddress> out;
  for (const std::string& text : os::all_addresses()) {
    if (std::optional<IpAddress> address = parse_ip(text)) out.push_back(*address);
  }
  return out;
}

std::vector<IpAddress> node_addresses(const Object& node) {
  std::vector<IpAddress> out;
  for (core_v1::NodeAddress one : core_v1::Node(node).status().addresses()) {
    std::optional<IpAddress> address = parse_ip(one.address());
    if (address) out.push_back(*address);
  }
  return out;
}

// The bridge's address in a pod range: its first one.
std::optional<std::string> gateway(std::string_view cidr) {
  std::optional<IpPrefix> range = parse_cidr(cidr);
  if (!range) return std::nullopt;
  IpAddress address = masked(*range);
  address.bytes[address.v6 ? 15 : 3] |= 1;
  return canonical_text(address);
}

std::vector<std::string> gateways(const Object& object) {
  core_v1::NodeSpec spec = core_v1::Node(object).spec();
  std::vector<std::string> out;
  for (std::string_view cidr : spec.pod_cidrs()) {
    if (std::optional<std::string> address = gateway(cidr)) out.push_back(*address);
  }
  std::optional<std::string> single = gateway(spec.pod_cidr());
  if (out.empty() && single) out.push_back(*single);
  return out;
}

Forwarder::Options forwarder_options(const ClusterDns::Options& options) {
  Forwarder::Options out{.resolv_conf = options.resolv_conf};
  for (const std::string& text : options.own_addresses) {
    if (std::optional<IpAddress> address = parse_ip(text)) out.own_addresses.push_back(*address);
  }
  return out;
}

std::string announcement(const std::string& value) {
  std::string json = "null";
  if (!value.empty()) {
    json.clear();
    codec::append_json_string(value, json);
  }
  return R"({"metadata":{"annotations":{")" + std::string(kAddressAnnotation) + "\":" + json +
         "}}}";
}

}  // namespace

struct ClusterDns::Impl {
  Impl(EpollLoop& loop_in, WorkerPool& pool_in, client::Client& client_in, Random& random_in,
       Options given, Name domain, std::vector<IpPrefix> pod_ranges)
      : loop(loop_in),
        pool(pool_in),
        client(client_in),
        options(std::move(given)),
        ranges(std::move(pod_ranges)),
        factory(loop, client, random_in),
        services(factory.informer(resource("", "services"))),
        slices(factory.informer(resource("discovery.k8s.io", "endpointslices"))),
        namespaces(factory.informer(resource("", "namespaces"))),
        nodes(factory.informer(resource("", "nodes"))),
        service_cidrs(factory.informer(resource("networking.k8s.io", "servicecidrs"))),
        records(domain),
        responder(records),
        clients(loop, ranges, own_addresses),
        forwarder(loop, pool, random_in, metrics, forwarder_options(options)),
        front(loop, responder, forwarder, metrics,
              [this](const IpAddress& who) { return clients.allowed(who); }),
        server(loop, front),
        metrics_server(loop,
                       {.text = [this] { return metrics.text(); },
                        .ready = [this] { return ready; },
                        .allowed = [this](const IpAddress& who) { return clients.allowed(who); }}),
        wake(loop),
        gate(loop) {}

  void watch_objects();
  void mark(std::string key);
  Task<void> update_soon();
  void bring_up_to_date();
  void take_service(const std::string& key);
  void take_node(const ObjectPtr& old, const ObjectPtr& now);
  void take_ranges();
  Task<void> become_ready();
  Task<void> run();
  Task<bool> listen();
  bool listen_on(const std::string& address);
  bool serve_metrics_on(const std::string& address);
  Task<bool> announce(std::string value);

  EpollLoop& loop;
  WorkerPool& pool;
  client::Client& client;
  Options options;
  std::vector<IpPrefix> ranges;
  client::InformerFactory factory;
  client::Informer& services;
  client::Informer& slices;
  client::Informer& namespaces;
  client::Informer& nodes;
  client::Informer& service_cidrs;
  Records records;
  Responder responder;
  Clients clients;
  Metrics metrics;
  Forwarder forwarder;
  Front front;
  Server server;
  MetricsServer metrics_server;
  Event wake;
  Gate gate;
  StopSource stop;
  std::set<std::string> dirty;  // Services that changed, in one turn of the loop
  bool posted = false;
  bool ready = false;
  uint32_t serial = 1;
  std::vector<std::string> listening;
  std::vector<std::string> metrics_listening;
  std::string announced;
};

void ClusterDns::Impl::watch_objects() {
  slices.add_index(kByService, [](const Object& slice) {
    return std::vector<std::string>{service_key_of_slice(slice)};
  });
  services.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    mark(client::object_key(now ? *now : *old));
  });
  slices.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) mark(service_key_of_slice(*old));
    if (now) mark(service_key_of_slice(*now));
  });
  namespaces.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    std::string name(client::metadata(now ? *now : *old).name());
    if (now) {
      records.add_namespace(std::move(name));
    } else {
      records.erase_namespace(name);
    }
  });
  nodes.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { take_node(old, now); });
  service_cidrs.add_handler([this](const ObjectPtr&, const ObjectPtr&) { take_ranges(); });
}

// All changes that a turn of the loop brings are taken together.
void ClusterDns::Impl::mark(std::string key) {
  if (key.empty()) return;
  dirty.insert(std::move(key));
  if (!ready || std::exchange(posted, true)) return;
  gate.spawn(update_soon());
}

Task<void> ClusterDns::Impl::update_soon() {
  co_await yield(loop);
  bring_up_to_date();
}

void ClusterDns::Impl::bring_up_to_date() {
  posted = false;
  for (const std::string& key : std::exchange(dirty, {})) take_service(key);
  responder.set_serial(++serial);
}

void ClusterDns::Impl::take_service(const std::string& key) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr service = services.get(ns, name);
  if (!service) return records.erase(record_key(key));
  records.set(service_records(*service, slices.by_index(kByService, key)));
}

void ClusterDns::Impl::take_node(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(client::metadata(now ? *now : *old).name());
  clients.set_node(name, now ? node_addresses(*now) : std::vector<IpAddress>());
  if (name == options.node_name) wake.set();
}

void ClusterDns::Impl::take_ranges() {
  std::vector<IpPrefix> all = ranges;
  for (const ObjectPtr& object : service_cidrs.list()) {
    for (std::string_view text : networking_v1::ServiceCIDR(*object).spec().cidrs()) {
      if (std::optional<IpPrefix> range = parse_cidr(text)) all.push_back(*range);
    }
  }
  responder.set_ranges(std::move(all));
}

// An API server without ServiceCIDRs doesn't hold us up.
Task<void> ClusterDns::Impl::become_ready() {
  for (client::Informer* informer : {&services, &slices, &namespaces}) {
    bool listed = co_await informer->wait_for_sync(stop.token());
    if (!listed) co_return;
  }
  ready = true;
  bring_up_to_date();
  front.set_ready();
  LOG_INFO("Cluster DNS knows the cluster's names", {"services", records.service_count()});
}

Task<void> ClusterDns::Impl::run() {
  Duration retry = kRetry;
  while (!stop.stop_requested()) {
    wake.reset();
    bool done = co_await listen();
    if (done) {
      retry = kRetry;
      (void)co_await wake.wait(stop.token());
      continue;
    }
    (void)co_await sleep_for(loop, retry, stop.token());
    retry = std::min(retry * 2, kLastRetry);
  }
}

// Listens where it doesn't yet, and says so. A pod range never changes once it is given.
Task<bool> ClusterDns::Impl::listen() {
  ObjectPtr node = options.node_name.empty() ? nullptr : nodes.get("", options.node_name);
  std::vector<std::string> wanted = options.addresses;
  if (wanted.empty() && node) wanted = gateways(*node);
  bool all = true;
  for (const std::string& address : wanted) {
    if (!listen_on(address)) co_return false;
    all = serve_metrics_on(address) && all;
  }
  if (!node || !options.addresses.empty() || wanted.empty()) co_return all;
  std::string value;
  for (const std::string& address : wanted) value += (value.empty() ? "" : ",") + address;
  if (client::metadata(*node).annotations().find(kAddressAnnotation) == value) {
    announced = value;
    co_return all;
  }
  bool told = co_await announce(value);
  all = all && told;
  co_return all;
}

bool ClusterDns::Impl::listen_on(const std::string& address) {
  if (std::ranges::find(listening, address) != listening.end()) return true;
  Result<void> opened = server.listen(address, options.port);
  if (!opened) {
    LOG_ERROR("Cluster DNS can't listen, will retry", {"err", opened.error()});
    return false;
  }
  LOG_INFO("Cluster DNS listens", {"address", address}, {"port", server.port()});
  if (std::optional<IpAddress> own = parse_ip(address)) forwarder.add_own_address(*own);
  listening.push_back(address);
  return true;
}

// Names are answered without it, too.
bool ClusterDns::Impl::serve_metrics_on(const std::string& address) {
  bool done = options.metrics_port == 0 ||
              std::ranges::find(metrics_listening, address) != metrics_listening.end();
  if (done) return true;
  Result<void> opened = metrics_server.listen(address, options.metrics_port);
  if (!opened) {
    LOG_ERROR("Cluster DNS can't serve its metrics, will retry", {"err", opened.error()});
    return false;
  }
  metrics_listening.push_back(address);
  return true;
}

Task<bool> ClusterDns::Impl::announce(std::string value) {
  Deadline deadline(loop, kAnnounceTime, {});
  client::Request request{
      .method = "PATCH",
      .path = client::resource_path(resource("", "nodes"), "", options.node_name),
      .body = announcement(value),
      .content_type = "application/merge-patch+json",
      .stop = deadline.token()};
  Result<client::Response> patched = co_await client.transport().send(std::move(request));
  if (!patched) {
    LOG_WARNING("Cluster DNS can't be announced, will retry", {"err", patched.error()});
    co_return false;
  }
  announced = value;
  co_return true;
}

ClusterDns::ClusterDns(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClusterDns::~ClusterDns() = default;

Result<std::unique_ptr<ClusterDns>> ClusterDns::create(EpollLoop& loop, WorkerPool& pool,
                                                       client::Client& client, Random& random,
                                                       Options options) {
  std::optional<Name> domain = Name::from_text(options.domain);
  if (!domain || domain->label_count() == 0) {
    return ApiStatus::bad_request("invalid cluster domain: " + options.domain);
  }
  TIPHYS_TRY(std::vector<IpPrefix>, ranges, prefixes(options.cluster_cidrs));
  auto impl = std::make_unique<Impl>(loop, pool, client, random, std::move(options), *domain,
                                     std::move(ranges));
  return std::unique_ptr<ClusterDns>(new ClusterDns(std::move(impl)));
}

void ClusterDns::start() {
  impl_->watch_objects();
  impl_->take_ranges();
  impl_->factory.start();
  impl_->forwarder.start();
  impl_->gate.spawn(impl_->become_ready());
  impl_->gate.spawn(impl_->run());
}

Task<void> ClusterDns::stop() {
  impl_->stop.request_stop();
  co_await impl_->gate.close();
  if (!impl_->announced.empty()) {
    (void)co_await impl_->announce("");
  }
  co_await impl_->forwarder.stop();  // ends what the server waits for
  co_await impl_->server.stop();
  co_await impl_->metrics_server.stop();
  co_await impl_->factory.stop();
}

std::string ClusterDns::metrics_text() const { return impl_->metrics.text(); }

}  // namespace tiphys::dns
