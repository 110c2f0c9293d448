#include "kubelet/network/route_keeper.h"

#include "base/log.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "kubelet/network/pod_network.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kLook = std::chrono::seconds(30);
constexpr Duration kPace = std::chrono::milliseconds(100);  // of passes, when much changes
constexpr std::string_view kRangeFile = "/cni/cluster-cidr";

const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }

// Of both families' the IPv4 one; "" if there is none.
std::string v4_of(const std::vector<std::string>& list) {
  for (const std::string& one : list) {
    if (one.find(':') == one.npos) return one;
  }
  return "";
}

// Of both families' the IPv4 ones.
std::string pod_cidr_of(core_v1::NodeSpec spec) {
  for (std::string_view cidr : spec.pod_cidrs()) {
    if (cidr.find(':') == cidr.npos) return std::string(cidr);
  }
  return std::string(spec.pod_cidr());
}

std::string address_of(core_v1::NodeStatus status) {
  for (core_v1::NodeAddress one : status.addresses()) {
    bool v4 = one.address().find(':') == std::string_view::npos;
    if (one.type() == "InternalIP" && v4) return std::string(one.address());
  }
  return "";
}

PeerNode peer_of(const Object& object) {
  core_v1::Node node(object);
  return {.name = std::string(node.metadata().name()),
          .pod_cidr = pod_cidr_of(node.spec()),
          .address = address_of(node.status()),
          .created = node.metadata().creation_timestamp()};
}

bool same_route(const Object& a, const Object& b) {
  PeerNode one = peer_of(a);
  PeerNode other = peer_of(b);
  return one.pod_cidr == other.pod_cidr && one.address == other.address &&
         one.created == other.created;
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

std::string text_of(const os::Route& route) {
  return os::address_text(route.destination) + "/" + std::to_string(route.bits) + " via " +
         os::address_text(route.gateway) + (route.on_link ? " (VXLAN)" : "");
}

Result<RoutePlan> read_and_plan(const RouteInput& input) {
  TIPHYS_TRY(os::Routing, present, os::read_routing());
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

}  // namespace

Result<void> apply_plan(const RoutePlan& plan) {
  Outcome outcome;
  for (int index : plan.remove_links) outcome.add(os::delete_link(index));
  if (plan.add_vxlan) outcome.add(os::add_vxlan(*plan.add_vxlan));
  if (plan.changes_devices()) return outcome.result();
  for (const os::Route& one : plan.remove_routes) outcome.add(os::delete_route(one));
  for (const os::Neighbour& one : plan.remove_neighbours) outcome.add(os::delete_neighbour(one));
  for (const os::Forward& one : plan.remove_forwards) outcome.add(os::delete_forward(one));
  for (const os::Forward& one : plan.add_forwards) outcome.add(os::add_forward(one));
  for (const os::Neighbour& one : plan.add_neighbours) outcome.add(os::set_neighbour(one));
  for (const os::Route& one : plan.add_routes) outcome.add(os::add_route(one));
  return outcome.result();
}

Result<void> remove_routes(const Options& options) {
  Result<std::string> range = os::read_file(options.data_dir + std::string(kRangeFile), 256);
  if (!range) return {};  // it never had any
  RouteInput nobody{.cluster_cidr = *range, .bridge = options.bridge_name};
  return bring_about(nobody).result;
}

RouteKeeper::RouteKeeper(EpollLoop& loop, WorkerPool& pool, client::Client& client, Random& random,
                         client::EventRecorder& events, const Options& options)
    : loop_(loop),
      pool_(pool),
      informers_(loop, client, random),
      nodes_(informers_.informer(nodes())),
      events_(events),
      options_(options),
      gate_(loop),
      wake_(loop) {
  nodes_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!old || !now || !same_route(*old, *now)) wake_.set();
  });
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
  std::string path = options_.data_dir + std::string(kRangeFile);
  std::string range = v4_of(ranges_of(options_.cluster_cidr));
  Result<void> noted = co_await run_blocking(loop_, pool_, [path, range] {
    Result<void> made = os::make_dirs(path.substr(0, path.rfind('/')));
    return made ? os::write_file_atomic(path, range) : made;
  });
  if (!noted) LOG_WARNING("The cluster's range can't be noted", {"err", noted.error()});
  while (!stop_.stop_requested()) {
    wake_.reset();
    co_await pass();
    (void)co_await sleep_for(loop_, kPace, stop_.token());
    (void)co_await wake_.wait(stop_.token(), kLook);
  }
}

RouteInput RouteKeeper::input() const {
  RouteInput out{.own_name = options_.node_name,
                 .own_address = v4_of(options_.node_ips),
                 .cluster_cidr = v4_of(ranges_of(options_.cluster_cidr)),
                 .bridge = options_.bridge_name};
  for (const ObjectPtr& node : nodes_.list()) {
    PeerNode peer = peer_of(*node);
    if (peer.name == out.own_name) out.own_cidr = peer.pod_cidr;
    out.nodes.push_back(std::move(peer));
  }
  return out;
}

Task<void> RouteKeeper::pass() {
  RouteInput wanted = input();
  tell_own(wanted);
  Done done = co_await run_blocking(loop_, pool_, [wanted] { return bring_about(wanted); });
  for (const os::Route& one : done.plan.remove_routes) {
    LOG_INFO("Route to pods removed", {"route", text_of(one)});
  }
  for (const os::Route& one : done.plan.add_routes) {
    LOG_INFO("Route to pods added", {"route", text_of(one)});
  }
  std::string failure = done.result ? "" : done.result.error().message();
  if (!failure.empty() && failure != failure_) {
    LOG_ERROR("Routes to pods can't be set up, will retry", {"err", failure});
  }
  failure_ = failure;
  tell(done.plan);
  if (done.plan.pod_mtu != 0 && done.plan.pod_mtu != pod_mtu_) {
    pod_mtu_ = done.plan.pod_mtu;
    if (mtu_changed_) mtu_changed_(pod_mtu_);
  }
}

void RouteKeeper::tell_own(const RouteInput& wanted) {
  bool present = !wanted.own_cidr.empty();
  if (present_ && !present) {
    LOG_INFO("This node has left the cluster: no routes to other nodes' pods",
             {"node", wanted.own_name});
  }
  present_ = present;
}

void RouteKeeper::tell(const RoutePlan& plan) {
  for (const auto& [name, why] : plan.refused) {
    auto known = refused_.find(name);
    if (known != refused_.end() && known->second == why) continue;
    LOG_WARNING("No route to the pods of a node", {"node", name}, {"err", why});
    ObjectPtr node = nodes_.get("", name);
    if (!node) continue;
    events_.record(*node, "Warning", "FailedToCreateRoute",
                   "Could not create route on node " + options_.node_name + ": " + why);
  }
  refused_ = plan.refused;
}

}  // namespace tiphys::kubelet
