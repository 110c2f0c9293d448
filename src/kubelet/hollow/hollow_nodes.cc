#include "kubelet/hollow/hollow_nodes.h"

#include "base/log.h"
#include "client/object_key.h"

namespace tiphys::kubelet {
namespace {

// Requests about nodes, and about pods, that are under way at once.
constexpr int kMaxInFlight = 128;
constexpr client::WorkQueue::BackOff kNodeBackOff{std::chrono::milliseconds(200),
                                                  std::chrono::seconds(7)};
constexpr client::WorkQueue::BackOff kPodBackOff{std::chrono::milliseconds(10),
                                                 std::chrono::seconds(10)};
constexpr const char* kLeaseNamespace = "kube-node-lease";

const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }
const schema::Resource& leases() {
  return *schema::find_resource("coordination.k8s.io", "v1", "leases");
}

}  // namespace

NodeFacts hollow_facts(int64_t cpus, int64_t memory_bytes) {
  constexpr int64_t kGibibyte = int64_t{1} << 30;
  NodeFacts facts;
  facts.machine.cpus = cpus;
  facts.machine.memory_bytes = memory_bytes;
  facts.machine.disk_bytes = 100 * kGibibyte;
  facts.machine.huge_pages = {{kGibibyte / 512, 0}, {kGibibyte, 0}};
  facts.machine.boot_id = "hollow";
  facts.machine.kernel_version = "6.1.0";
  facts.machine.os_image = "Hollow";
  facts.machine.architecture = "amd64";
  facts.pressure = {.memory_available = memory_bytes,
                    .disk_available = 100 * kGibibyte,
                    .disk_total = 100 * kGibibyte,
                    .pids_used = 1,
                    .pids_max = 1 << 22};
  facts.runtime_version = "hollow://0.1.0";
  return facts;
}

HollowNodes::HollowNodes(Loop& loop, client::Client& client, client::Client& pod_client,
                         Random& random, HollowOptions options)
    : loop_(loop),
      client_(client),
      pod_client_(pod_client),
      random_(random),
      options_(std::move(options)),
      informers_(loop, client, random),
      pods_(informers_.informer(pods(), {.field_selector = "spec.nodeName!="})),
      node_objects_(informers_.informer(nodes())),
      node_lane_(loop, kNodeBackOff),
      pod_lane_(loop, kPodBackOff),
      gate_(loop) {
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { on_pod(old, now); });
  node_objects_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { on_node(old, now); });
}

HollowNodes::~HollowNodes() = default;

void HollowNodes::start() {
  informers_.start();
  gate_.spawn(run(node_lane_, &HollowNodes::tend_node));
  gate_.spawn(run(pod_lane_, &HollowNodes::tend_pod));
}

Task<void> HollowNodes::stop() {
  stop_.request_stop();
  node_lane_.queue.shut_down();
  pod_lane_.queue.shut_down();
  co_await gate_.close();
  co_await informers_.stop();
}

Task<void> HollowNodes::run(Lane& lane, Act act) {
  while (true) {
    bool room = co_await lane.room.wait(stop_.token());
    if (!room) co_return;
    std::optional<std::string> key = co_await lane.queue.get();
    if (!key) co_return;
    if (++lane.in_flight >= kMaxInFlight) lane.room.reset();
    gate_.spawn(carry_out(lane, act, *std::move(key)));
  }
}

Task<void> HollowNodes::carry_out(Lane& lane, Act act, std::string key) {
  co_await (this->*act)(key);
  lane.queue.done(key);
  --lane.in_flight;
  lane.room.set();
}

HollowNode* HollowNodes::find_up(std::string_view name) {
  auto found = nodes_.find(name);
  return found != nodes_.end() && found->second.up ? &found->second : nullptr;
}

// ---- nodes ----

void HollowNodes::up(const std::string& name, std::map<std::string, std::string> labels) {
  auto [found, added] = nodes_.try_emplace(name);
  HollowNode& node = found->second;
  if (added) {
    node.number = options_.first_number + nodes_.size() - 1;
    node.name = name;
    node.address = hollow_address(node.number);
  }
  node.labels = std::move(labels);
  node.up = true;
  if (node.stage == HollowNode::Stage::kRegistered) --registered_;
  node.stage = HollowNode::Stage::kNew;
  node_lane_.queue.add(name);
  for (const ObjectPtr& pod : pods_.list()) {
    if (core_v1::Pod(*pod).spec().node_name() != name) continue;
    pod_lane_.queue.add_after(client::object_key(*pod), options_.reaction);
  }
}

void HollowNodes::down(const std::string& name) {
  if (HollowNode* node = find_up(name)) node->up = false;
}

void HollowNodes::on_node(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(name_of(now ? *now : *old));
  HollowNode* node = find_up(name);
  if (node == nullptr || node->stage != HollowNode::Stage::kRegistered) return;
  if (now) {
    node->looked_at = false;
    return node_lane_.queue.add_after(name, options_.reaction);
  }
  LOG_INFO("A hollow node was deleted", {"node", name});
  node->stage = HollowNode::Stage::kDeleted;
  node->lease = nullptr;
  --registered_;
}

// The node as the API shows it, as far as we know.
ObjectPtr HollowNodes::present(const HollowNode& node) const {
  ObjectPtr seen = node_objects_.get("", node.name);
  return seen ? seen : node.object;
}

Task<void> HollowNodes::tend_node(std::string name) {
  HollowNode* node = find_up(name);
  if (node == nullptr || node->stage == HollowNode::Stage::kDeleted) co_return;
  Result<void> done = Result<void>();
  if (node->stage == HollowNode::Stage::kNew) done = co_await register_node(*node);
  if (done && loop_.mono() >= node->renew_at) done = co_await renew(*node);
  if (done) done = co_await report(*node);
  if (!node->up || node->stage == HollowNode::Stage::kDeleted) co_return;
  if (!done) {
    LOG_V(2, "A hollow node can't speak, will retry", {"node", name}, {"err", done.error()});
    node_lane_.queue.add_rate_limited(name);
    co_return;
  }
  node_lane_.queue.forget(name);
  node_lane_.queue.add_after(name, std::min(node->renew_at, node->report_at) - loop_.mono());
}

// Also takes back what others wrote about a node that was away.
Task<Result<void>> HollowNodes::register_node(HollowNode& node) {
  Options options = options_of(node, options_.node);
  NodeFacts facts = facts_of(node, options_.facts, loop_.wall());
  Result<ObjectPtr> made = co_await client_.create(nodes(), "", new_node(facts, options));
  if (!made && made.error().is_already_exists()) {
    made = co_await client_.get(nodes(), "", node.name);
    ObjectPtr labelled = made && *made ? with_labels(**made, facts, options) : nullptr;
    if (labelled) made = co_await client_.update(nodes(), labelled);
  }
  if (!made) co_return made.error();
  if (!*made) co_return ApiStatus::internal("the server answered with nothing");
  if (node.stage == HollowNode::Stage::kNew) ++registered_;
  node.stage = HollowNode::Stage::kRegistered;
  node.object = std::move(*made);
  node.looked_at = false;
  node.lease = nullptr;
  node.renew_at = loop_.mono();
  node.report_at = loop_.mono() + spread(node.number, options_.node.node_status_report_frequency);
  co_return Result<void>();
}

Task<Result<void>> HollowNodes::renew(HollowNode& node) {
  bool first = !node.lease;
  if (first) {
    Result<ObjectPtr> found = co_await client_.get(leases(), kLeaseNamespace, node.name);
    if (!found && !found.error().is_not_found()) co_return found.error();
    if (found) node.lease = std::move(*found);
  }
  ObjectPtr known = std::exchange(node.lease, nullptr);
  ObjectPtr wanted =
      renewed_lease(node, known.get(), options_.node.node_lease_duration_seconds, loop_.wall());
  Result<ObjectPtr> written = ApiStatus::internal("");
  if (known) {
    written = co_await client_.update(leases(), wanted);
  } else {
    written = co_await client_.create(leases(), kLeaseNamespace, wanted);
  }
  if (!written) co_return written.error();
  node.lease = std::move(*written);
  Duration pause = first ? spread(node.number, options_.renew_interval)
                         : jittered(options_.renew_interval, random_);
  node.renew_at = loop_.mono() + pause;
  co_return Result<void>();
}

// Writes the status if the API shows another, or if it is time again.
Task<Result<void>> HollowNodes::report(HollowNode& node) {
  bool heartbeat = loop_.mono() >= node.report_at;
  ObjectPtr shown = present(node);
  if (!shown || (!heartbeat && std::exchange(node.looked_at, true))) co_return Result<void>();
  ObjectPtr wanted = with_status(*shown, facts_of(node, options_.facts, loop_.wall()),
                                 options_of(node, options_.node), heartbeat);
  if (!heartbeat && equal(core_v1::Node(*wanted).status(), core_v1::Node(*shown).status())) {
    co_return Result<void>();
  }
  Result<ObjectPtr> written = co_await client_.update(nodes(), wanted, "status");
  if (!written) {
    node.looked_at = false;
    co_return written.error();
  }
  node.object = std::move(*written);
  node.report_at = loop_.mono() + options_.node.node_status_report_frequency;
  co_return Result<void>();
}

Task<void> HollowNodes::remove_node(std::string name) {
  Result<ObjectPtr> lease = co_await client_.remove(leases(), kLeaseNamespace, name);
  Result<ObjectPtr> node = co_await client_.remove(nodes(), "", name);
  if (!node && !node.error().is_not_found()) {
    LOG_WARNING("A hollow node can't be deleted", {"node", name}, {"err", node.error()});
  }
}

Task<void> HollowNodes::remove_nodes() {
  std::vector<std::string> names;
  for (auto& [name, node] : nodes_) {
    node.up = false;
    names.push_back(name);
  }
  for (size_t i = 0; i < names.size(); i += kMaxInFlight) {
    Gate batch(loop_);
    for (size_t j = i; j < std::min(names.size(), i + kMaxInFlight); ++j) {
      batch.spawn(remove_node(names[j]));
    }
    co_await batch.close();
  }
}

}  // namespace tiphys::kubelet
