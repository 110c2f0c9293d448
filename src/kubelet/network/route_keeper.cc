#include "kubelet/network/route_keeper.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "kinds/networking_v1.h"
#include "kubelet/network/pod_network.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kLook = std::chrono::seconds(30);
constexpr Duration kPace = std::chrono::milliseconds(100);  // of passes, when much changes
constexpr std::string_view kRangeFile = "/cni/cluster-cidr";
constexpr size_t kMaxRangeFile = 256;
constexpr std::array kFamilies = {os::Family::kIpv4, os::Family::kIpv6};

const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& service_cidrs() {
  return *schema::find_resource("networking.k8s.io", "v1", "servicecidrs");
}

bool is_of(os::Family family, std::string_view address_or_range) {
  bool v6 = address_or_range.find(':') != address_or_range.npos;
  return v6 == (family == os::Family::kIpv6);
}

// "": there is none of the family.
std::string pod_cidr_of(core_v1::NodeSpec spec, os::Family family) {
  for (std::string_view cidr : spec.pod_cidrs()) {
    if (is_of(family, cidr)) return std::string(cidr);
  }
  return is_of(family, spec.pod_cidr()) ? std::string(spec.pod_cidr()) : "";
}

// One of the family, else another one, which says that there is none.
std::string address_of(core_v1::NodeStatus status, os::Family family) {
  std::string other;
  for (core_v1::NodeAddress one : status.addresses()) {
    if (one.type() != "InternalIP") continue;
    if (is_of(family, one.address())) return std::string(one.address());
    other = one.address();
  }
  return other;
}

PeerNode peer_of(const Object& object, os::Family family) {
  core_v1::Node node(object);
  return {.name = std::string(node.metadata().name()),
          .pod_cidr = pod_cidr_of(node.spec(), family),
          .address = address_of(node.status(), family),
          .created = node.metadata().creation_timestamp()};
}

bool same_route(const Object& a, const Object& b) {
  return std::ranges::all_of(kFamilies, [&](os::Family family) {
    PeerNode one = peer_of(a, family);
    PeerNode other = peer_of(b, family);
    return one.pod_cidr == other.pod_cidr && one.address == other.address &&
           one.created == other.created;
  });
}

// Keeps the first error and goes on.
class Outcome {
 public:
  void add(const Result<void>& one) {
    if (!one && result_) result_ = one.error();
  }
  Result<void> result() const { return result_; }

 private:
  Result<void> result_;
};

std::string text_of(os::Family family, const os::Route& route) {
  return os::address_text(family, route.destination) + "/" + std::to_string(route.bits) + " via " +
         os::address_text(family, route.gateway) + (route.on_link ? " (VXLAN)" : "");
}

Result<RoutePlan> read_and_plan(const RouteInput& input) {
  TIPHYS_TRY(os::Routing, present, os::read_routing(input.family));
  return plan_routes(input, present);
}

struct Done {
  RoutePlan plan;
  Result<void> result;
};

// Blocks. Two rounds where a device comes or goes: its routes follow in the second.
Done bring_about(const RouteInput& input) {
  Result<RoutePlan> plan = read_and_plan(input);
  if (!plan) return {{}, plan.error()};
  if (plan->changes_devices()) {
    Result<void> changed = apply_plan(*plan);
    if (!changed) return {std::move(*plan), changed};
    plan = read_and_plan(input);
    if (!plan) return {{}, plan.error()};
  }
  Result<void> applied = apply_plan(*plan);
  return {std::move(*plan), applied};
}

// The families of a list of ranges.
std::vector<os::Family> families_of(const std::string& ranges) {
  std::vector<os::Family> out;
  for (os::Family family : kFamilies) {
    bool any = std::ranges::any_of(ranges_of(ranges),
                                   [family](const std::string& one) { return is_of(family, one); });
    if (any) out.push_back(family);
  }
  return out;
}

Result<void> remove_routes_of(const std::string& ranges, const std::string& bridge) {
  Outcome outcome;
  for (os::Family family : families_of(ranges)) {
    RouteInput nobody{.family = family, .cluster_cidr = ranges, .bridge = bridge};
    outcome.add(bring_about(nobody).result);
  }
  return outcome.result();
}

// Notes for remove_routes() what our routes are within. Those of another range that was given once
// go. Blocks.
Result<void> note_ranges(const Options& options) {
  std::string path = options.data_dir + std::string(kRangeFile);
  Result<std::string> last = os::read_file(path, kMaxRangeFile);
  if (last && *last == options.cluster_cidr) return {};
  Outcome outcome;
  if (last) outcome.add(remove_routes_of(*last, options.bridge_name));
  outcome.add(os::make_dirs(path.substr(0, path.rfind('/'))));
  outcome.add(os::write_file_atomic(path, options.cluster_cidr));
  return outcome.result();
}

}  // namespace

Result<void> apply_plan(const RoutePlan& plan) {
  Outcome outcome;
  os::Family family = plan.family;
  for (int index : plan.remove_links) outcome.add(os::delete_link(index));
  if (plan.add_vxlan) outcome.add(os::add_vxlan(*plan.add_vxlan));
  if (plan.changes_devices()) return outcome.result();
  for (const auto& one : plan.remove_routes) outcome.add(os::delete_route(family, one));
  for (const auto& one : plan.remove_neighbours) outcome.add(os::delete_neighbour(family, one));
  for (const auto& one : plan.remove_forwards) outcome.add(os::delete_forward(family, one));
  for (const auto& one : plan.add_forwards) outcome.add(os::add_forward(family, one));
  for (const auto& one : plan.add_neighbours) outcome.add(os::set_neighbour(family, one));
  for (const auto& one : plan.add_routes) outcome.add(os::add_route(family, one));
  return outcome.result();
}

Result<void> remove_routes(const Options& options) {
  Result<std::string> ranges =
      os::read_file(options.data_dir + std::string(kRangeFile), kMaxRangeFile);
  if (!ranges) return {};  // it never had any
  return remove_routes_of(*ranges, options.bridge_name);
}

RouteKeeper::RouteKeeper(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random,
                         client::EventRecorder& events, const Options& options)
    : loop_(loop),
      pool_(pool),
      informers_(loop, client, random),
      nodes_(informers_.informer(nodes())),
      service_cidrs_(informers_.informer(service_cidrs())),
      events_(events),
      options_(options),
      gate_(loop),
      wake_(loop) {
  nodes_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!old || !now || !same_route(*old, *now)) wake_.set();
  });
  service_cidrs_.add_handler([this](const ObjectPtr&, const ObjectPtr&) { wake_.set(); });
}

RouteKeeper::~RouteKeeper() = default;

void RouteKeeper::start() {
  if (!options_.node_routes) return;
  watch_kernel();
  informers_.start();
  gate_.spawn(run());
}

Task<void> RouteKeeper::stop() {
  stop_.request_stop();
  if (kernel_.valid()) loop_.unwatch(kernel_.get());
  co_await gate_.close();
  co_await informers_.stop();
}

// Without it there is still the look from time to time.
void RouteKeeper::watch_kernel() {
  Result<os::Fd> fd = os::watch_routing();
  if (!fd) {
    LOG_WARNING("The kernel's routes can't be watched", {"err", fd.error()});
    return;
  }
  kernel_ = std::move(*fd);
  loop_.watch(kernel_.get(), [this](uint32_t) {
    os::drain_routing(kernel_);
    wake_.set();
  });
}

Task<void> RouteKeeper::run() {
  bool synced = co_await nodes_.wait_for_sync(stop_.token());
  if (!synced) co_return;
  Result<void> noted =
      co_await run_blocking(loop_, pool_, [options = options_] { return note_ranges(options); });
  if (!noted) LOG_WARNING("The cluster's range can't be noted", {"err", noted.error()});
  while (!stop_.stop_requested()) {
    wake_.reset();
    co_await pass();
    (void)co_await sleep_for(loop_, kPace, stop_.token());
    (void)co_await wake_.wait(stop_.token(), kLook);
  }
}

RouteInput RouteKeeper::input(os::Family family) const {
  RouteInput out{.family = family,
                 .own_name = options_.node_name,
                 .own_address = join(options_.node_ips, ","),
                 .cluster_cidr = options_.cluster_cidr,
                 .bridge = options_.bridge_name};
  for (const ObjectPtr& one : service_cidrs_.list()) {
    for (std::string_view cidr : networking_v1::ServiceCIDR(*one).spec().cidrs()) {
      out.service_cidrs.emplace_back(cidr);
    }
  }
  for (const ObjectPtr& node : nodes_.list()) {
    PeerNode peer = peer_of(*node, family);
    if (peer.name == out.own_name) out.own_cidr = peer.pod_cidr;
    out.nodes.push_back(std::move(peer));
  }
  return out;
}

Task<void> RouteKeeper::pass() {
  std::map<std::string, std::string> refused;
  std::string failure;
  int mtu = 0;
  bool present = false;
  for (os::Family family : families_of(options_.cluster_cidr)) {
    RouteInput wanted = input(family);
    present = present || !wanted.own_cidr.empty();
    Done done = co_await run_blocking(loop_, pool_, [wanted] { return bring_about(wanted); });
    tell_routes(done.plan);
    if (!done.result && failure.empty()) failure = done.result.error().message();
    if (done.plan.pod_mtu != 0)
      mtu = mtu == 0 ? done.plan.pod_mtu : std::min(mtu, done.plan.pod_mtu);
    for (auto& [node, why] : done.plan.refused) {
      std::string& all = refused[node];
      all += (all.empty() ? "" : "; ") + why;
    }
  }
  tell_own(present);
  if (!failure.empty() && failure != failure_) {
    LOG_ERROR("Routes to pods can't be set up, will retry", {"err", failure});
  }
  failure_ = failure;
  tell_refused(std::move(refused));
  if (mtu != 0 && mtu != pod_mtu_) {
    pod_mtu_ = mtu;
    if (mtu_changed_) mtu_changed_(pod_mtu_);
  }
}

void RouteKeeper::tell_routes(const RoutePlan& plan) {
  for (const os::Route& one : plan.remove_routes) {
    LOG_INFO("Route to pods removed", {"route", text_of(plan.family, one)});
  }
  for (const os::Route& one : plan.add_routes) {
    LOG_INFO("Route to pods added", {"route", text_of(plan.family, one)});
  }
}

void RouteKeeper::tell_own(bool present) {
  if (present_ && !present) {
    LOG_INFO("This node has left the cluster: no routes to other nodes' pods",
             {"node", options_.node_name});
  }
  present_ = present;
}

void RouteKeeper::tell_refused(std::map<std::string, std::string> refused) {
  for (const auto& [name, why] : refused) {
    auto known = refused_.find(name);
    if (known != refused_.end() && known->second == why) continue;
    LOG_WARNING("No route to the pods of a node", {"node", name}, {"err", why});
    ObjectPtr node = nodes_.get("", name);
    if (!node) continue;
    events_.record(*node, "Warning", "FailedToCreateRoute",
                   "Could not create route on node " + options_.node_name + ": " + why);
  }
  refused_ = std::move(refused);
}

}  // namespace tiphys::kubelet
