#include "kubelet/node/node_keeper.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kinds/coordination_v1.h"
#include "kubelet/network/pod_network.h"
#include "kubelet/node/node_addresses.h"
#include "os/files.h"
#include "os/interfaces.h"

namespace tiphys::kubelet {
namespace {

constexpr std::string_view kLastCidr = "/cni/pod-cidr";
constexpr Duration kRetry = std::chrono::milliseconds(500);
constexpr Duration kLastRetry = std::chrono::seconds(7);  // upstream's cap for registration
constexpr Duration kFirstLook = std::chrono::milliseconds(200);
constexpr Duration kRangeLook = std::chrono::seconds(2);
constexpr const char* kLeaseNamespace = "kube-node-lease";

const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& leases() {
  return *schema::find_resource("coordination.k8s.io", "v1", "leases");
}

// An address that stands for any one says only of which family the node's shall be.
void complete_addresses(Options& options) {
  Result<std::vector<std::string>> given = parse_node_ips(options.node_ip);
  if (given) options.node_ips = *given;
  bool any_v4 = options.node_ips.empty() || options.node_ips[0] == "0.0.0.0";
  if (any_v4) options.node_ips = {os::primary_address()};
  if (options.node_ips[0] == "::" || options.node_ips[0].empty()) {
    options.node_ips = {os::primary_address(os::Family::kIpv6)};
  }
  if (options.node_ips[0].empty()) options.node_ips = {"127.0.0.1"};
  options.node_ip = options.node_ips[0];
}

ObjectPtr renewed(Draft lease, const Options& options, MicroTime now) {
  coordination_v1::LeaseSpecEdit spec = coordination_v1::LeaseEdit(lease).edit_spec();
  spec.set_holder_identity(options.node_name);
  spec.set_lease_duration_seconds(static_cast<int32_t>(options.node_lease_duration_seconds));
  spec.set_renew_time(now);
  return lease.freeze();
}

}  // namespace

NodeKeeper::NodeKeeper(Loop& loop, WorkerPool& pool, client::Client& client, Runtime& runtime,
                       Containerd& containerd, Options options)
    : loop_(loop),
      pool_(pool),
      client_(client),
      runtime_(runtime),
      containerd_(containerd),
      options_(std::move(options)),
      gate_(loop),
      wake_(loop) {
  facts_.machine = read_machine_facts(options_.root_dir);
  facts_.addresses = options_.node_ips;
  network_ready_ = !options_.configure_cni;
}

void NodeKeeper::complete(Options& options) {
  if (options.node_name.empty()) options.node_name = os::host_name();
  complete_addresses(options);
  if (options.root_dir.empty()) options.root_dir = options.data_dir + "/kubelet";
  if (options.cert_dir.empty()) options.cert_dir = options.root_dir + "/pki";
  if (options.pod_logs_dir.empty()) options.pod_logs_dir = options.data_dir + "/log/pods";
}

void NodeKeeper::start(uint16_t kubelet_port) {
  facts_.kubelet_port = kubelet_port;
  gate_.spawn(run());
  gate_.spawn(keep_lease());
}

Task<void> NodeKeeper::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> NodeKeeper::run() {
  co_await follow_pod_cidr();
  Duration retry = kRetry;
  while (options_.register_node && !stop_.stop_requested()) {
    co_await refresh_facts();
    bool registered = co_await register_node();
    if (registered) break;
    (void)co_await sleep_for(loop_, retry, stop_.token());
    retry = std::min(retry * 2, kLastRetry);
  }
  Duration soon = kFirstLook;
  while (!stop_.stop_requested()) {
    wake_.reset();
    co_await refresh_facts();
    co_await update_status();
    co_await follow_pod_cidr();
    bool settled = network_ready_ && facts_.not_ready.empty();
    Duration period = options_.node_status_update_frequency;
    // Only the API tells the pod range: that is waited for.
    Duration longest = network_ready_ ? period : std::min(period, kRangeLook);
    Duration pause = settled ? period : std::min(soon, longest);
    bool woken = co_await wake_.wait(stop_.token(), pause);
    soon = settled || woken ? kFirstLook : pause * 2;
  }
}

Task<void> NodeKeeper::refresh_facts() {
  std::string root = options_.root_dir;
  facts_.pressure =
      co_await run_blocking(loop_, pool_, [root] { return read_machine_pressure(root); });
  co_await observe_runtime();
  facts_.now = loop_.wall();
}

Task<void> NodeKeeper::observe_runtime() {
  if (!containerd_.ready()) {
    facts_.not_ready = "container runtime is down: " + containerd_.problem();
    co_return;
  }
  Result<RuntimeStatus> status = co_await runtime_.status();
  if (!status) {
    facts_.not_ready = "container runtime is down: " + status.error().message();
    co_return;
  }
  facts_.not_ready.clear();
  facts_.handlers = std::move(status->handlers);
  facts_.supplemental_groups_policy = status->supplemental_groups_policy;
  if (!status->runtime.ok) {
    facts_.not_ready =
        "container runtime not ready: RuntimeReady=false reason:" + status->runtime.reason +
        " message:" + status->runtime.message;
  } else if (!network_ready_ || !status->network.ok) {
    std::string reason =
        status->network.reason.empty() ? "NetworkPluginNotReady" : status->network.reason;
    std::string message = status->network.message.empty()
                              ? "Network plugin returns error: cni plugin not initialized"
                              : status->network.message;
    if (!network_problem_.empty()) message = network_problem_;
    facts_.not_ready = "container runtime network not ready: NetworkReady=false reason:" + reason +
                       " message:" + message;
  }
  if (facts_.runtime_version.empty()) {
    Result<std::string> version = co_await runtime_.version();
    if (version) facts_.runtime_version = *version;
  }
  Result<std::vector<ImageRecord>> images = co_await runtime_.list_images();
  if (images) facts_.images = std::move(*images);
}

// A new Node is given its ranges anew, perhaps others than it had: until then no pod starts.
Task<bool> NodeKeeper::register_node() {
  bool was_ready = network_ready_;
  network_ready_ = !options_.configure_cni;
  Result<ObjectPtr> made = co_await client_.create(nodes(), "", new_node(facts_, options_));
  if (!made) network_ready_ = was_ready;
  if (made) {
    node_ = std::move(*made);
    LOG_INFO("Successfully registered node", {"node", options_.node_name});
    co_return true;
  }
  if (!made.error().is_already_exists()) {
    LOG_WARNING("Unable to register node with API server", {"node", options_.node_name},
                {"err", made.error()});
    co_return false;
  }
  Result<ObjectPtr> present = co_await client_.get(nodes(), "", options_.node_name);
  if (!present) co_return false;
  node_ = std::move(*present);
  ObjectPtr labelled = with_labels(*node_, facts_, options_);
  if (labelled) {
    Result<ObjectPtr> updated = co_await client_.update(nodes(), labelled);
    if (!updated) co_return false;
    node_ = std::move(*updated);
  }
  co_return true;
}

// Whoever deletes a Node wants it gone: only a start registers it, as upstream's kubelet.
void NodeKeeper::note_deletion() {
  if (!node_) return;
  LOG_WARNING("The node was deleted from the API; it is registered at the next start",
              {"node", options_.node_name});
  node_.reset();
  lease_.reset();
}

Task<void> NodeKeeper::update_status() {
  Result<ObjectPtr> fresh = co_await client_.get(nodes(), "", options_.node_name);
  if (!fresh) {
    if (fresh.error().is_not_found()) note_deletion();
    co_return;
  }
  // Made again, its ranges perhaps others: until they are known no pod starts.
  if (!node_) network_ready_ = !options_.configure_cni;
  node_ = std::move(*fresh);
  MicroTime period = options_.node_status_report_frequency / std::chrono::microseconds(1);
  bool heartbeat = facts_.now - reported_at_ >= period;
  ObjectPtr wanted = with_status(*node_, facts_, options_, heartbeat);
  if (!heartbeat && equal(core_v1::Node(*wanted).status(), core_v1::Node(*node_).status()))
    co_return;
  Result<ObjectPtr> written = co_await client_.update(nodes(), wanted, "status");
  if (!written) {
    LOG_WARNING("Error updating node status, will retry", {"err", written.error()});
    co_return;
  }
  node_ = std::move(*written);
  reported_at_ = facts_.now;
}

// What the API says; while it doesn't answer, what it said the last time: static pods start without
// it. Separated by commas.
std::string NodeKeeper::pod_cidr() const {
  if (node_ && core_v1::Node(*node_).spec().has_pod_cidr()) {
    std::vector<std::string> ranges;
    for (std::string_view range : core_v1::Node(*node_).spec().pod_cidrs()) {
      ranges.emplace_back(range);
    }
    return join(ranges, ",");
  }
  if (!options_.pod_cidr.empty()) return options_.pod_cidr;
  if (node_) return "";
  Result<std::string> last = os::read_file(options_.data_dir + std::string(kLastCidr), 256);
  return last ? *last : "";
}

Task<bool> NodeKeeper::is_edited(PodNetwork network) {
  Result<bool> stands = co_await run_blocking(
      loop_, pool_, [network, watch = masquerade_] { return watch->stands(network); });
  bool edited = stands && !*stands;
  if (edited) {
    std::string tables = join(masquerade_tables(network), ", ");
    LOG_WARNING("The pod network's rules were changed by somebody else", {"tables", tables});
    if (network_repaired_) network_repaired_(tables);
  }
  co_return edited;
}

// Sets up the pod network for the node's podCIDR as soon as it is known, and again when somebody
// else was at it.
Task<void> NodeKeeper::follow_pod_cidr() {
  if (!options_.configure_cni) co_return;
  std::string cidr = pod_cidr();
  int mtu = pod_mtu_;
  if (cidr.empty()) co_return;
  PodNetwork network{options_.bridge_name, ranges_of(cidr), ranges_of(options_.cluster_cidr),
                     options_.data_dir + "/cni", mtu};
  bool wanted = !network_ready_ || cidr != applied_cidr_ || mtu != applied_mtu_;
  if (!wanted) wanted = co_await is_edited(network);
  if (!wanted) co_return;
  std::string last = options_.data_dir + std::string(kLastCidr);
  Result<void> done =
      co_await run_blocking(loop_, pool_, [network, last, cidr, watch = masquerade_] {
        Result<void> applied = apply_pod_network(network);
        if (applied) watch->note(network);
        return applied ? os::write_file_atomic(last, cidr) : applied;
      });
  if (!done) {
    LOG_ERROR("Pod network can't be set up, will retry", {"podCIDR", cidr}, {"err", done.error()});
    if (cidr != applied_cidr_) network_ready_ = false;
    network_problem_ = done.error().message();
    co_return;
  }
  network_problem_.clear();
  LOG_INFO("Pod network is set up", {"podCIDR", cidr}, {"bridge", options_.bridge_name},
           {"mtu", mtu});
  applied_cidr_ = cidr;
  applied_mtu_ = mtu;
  bool first = !network_ready_;
  network_ready_ = true;
  wake_.set();
  if (first && network_changed_) network_changed_();
}

void NodeKeeper::set_pod_mtu(int mtu) {
  pod_mtu_ = mtu;
  wake_.set();
}

Task<void> NodeKeeper::keep_lease() {
  Duration period =
      std::chrono::seconds(std::max<int64_t>(options_.node_lease_duration_seconds / 4, 1));
  Duration retry = kRetry;
  while (!stop_.stop_requested()) {
    Result<void> renewed = ApiStatus::internal("the node isn't registered yet");
    if (node_) renewed = co_await renew_lease();
    if (!renewed && node_) LOG_V(2, "Failed to renew lease", {"err", renewed.error()});
    if (renewed) retry = kRetry;
    Duration pause = renewed ? period : retry;
    if (!renewed) retry = std::min(retry * 2, kLastRetry);
    if (!node_) pause = kRetry;
    (void)co_await sleep_for(loop_, pause, stop_.token());
  }
}

Task<Result<void>> NodeKeeper::renew_lease() {
  if (!lease_) {
    Result<ObjectPtr> present = co_await client_.get(leases(), kLeaseNamespace, options_.node_name);
    if (!present && !present.error().is_not_found()) co_return present.error();
    if (present) lease_ = std::move(*present);
  }
  if (!lease_) co_return co_await make_lease();
  Result<ObjectPtr> written =
      co_await client_.update(leases(), renewed(Draft(*lease_), options_, loop_.wall()));
  lease_.reset();
  if (!written) co_return written.error();
  lease_ = std::move(*written);
  co_return Result<void>();
}

// Only for a Node that is there: the lease of another would be garbage at once.
Task<Result<void>> NodeKeeper::make_lease() {
  Result<ObjectPtr> node = co_await client_.get(nodes(), "", options_.node_name);
  if (!node && node.error().is_not_found()) note_deletion();
  if (!node) co_return node.error();
  Draft draft = coordination_v1::Lease::make();
  coordination_v1::LeaseEdit edit(draft);
  edit.edit_metadata().set_name(options_.node_name);
  edit.edit_metadata().set_namespace(kLeaseNamespace);
  meta_v1::OwnerReferenceEdit owner = edit.edit_metadata().edit_owner_references().append();
  owner.set_api_version("v1");
  owner.set_kind("Node");
  owner.set_name(options_.node_name);
  owner.set_uid(core_v1::Node(**node).metadata().uid());
  Result<ObjectPtr> written = co_await client_.create(
      leases(), kLeaseNamespace, renewed(std::move(draft), options_, loop_.wall()));
  if (!written) co_return written.error();
  lease_ = std::move(*written);
  co_return Result<void>();
}

}  // namespace tiphys::kubelet
