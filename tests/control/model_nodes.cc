#include "tests/control/model_nodes.h"

#include "client/object_key.h"
#include "kinds/coordination_v1.h"
#include "kinds/metadata.h"

namespace tiphys::control {
namespace {

constexpr Duration kLeaseSlack = std::chrono::seconds(10);  // a Lease outlives its renewal

const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }
const schema::Resource& nodes() { return *schema::find_resource("", "v1", "nodes"); }
const schema::Resource& leases() {
  return *schema::find_resource("coordination.k8s.io", "v1", "leases");
}

bool is_ready(core_v1::Node node) {
  for (core_v1::NodeCondition condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

void set_ready(core_v1::NodeEdit node, MicroTime now) {
  auto conditions = node.edit_status().edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != "Ready") ++at;
  core_v1::NodeConditionEdit ready = at < conditions.size() ? conditions[at] : conditions.append();
  if (ready.view().status() != "True") ready.set_last_transition_time(now);
  ready.set_type("Ready");
  ready.set_status("True");
  ready.set_reason("KubeletReady");
  ready.set_last_heartbeat_time(now);
}

ObjectPtr new_node(const std::string& name, MicroTime now) {
  Draft draft = core_v1::Node::make();
  core_v1::NodeEdit node(draft);
  node.edit_metadata().set_name(name);
  node.edit_metadata().edit_labels().set("kubernetes.io/hostname", name);
  for (auto map : {node.edit_status().edit_capacity(), node.edit_status().edit_allocatable()}) {
    map.set("cpu", "64");
    map.set("memory", "256Gi");
    map.set("pods", "20000");
  }
  set_ready(node, now);
  return draft.freeze();
}

}  // namespace

ModelNodes::ModelNodes(Loop& loop, client::Client& client, Random& random, Duration reaction)
    : loop_(loop),
      client_(client),
      reaction_(reaction),
      informers_(loop, client, random),
      pods_(informers_.informer(pods())),
      node_objects_(informers_.informer(nodes())),
      gate_(loop) {
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now) look_in(client::object_key(*now), reaction_);
    if (!now) models_.erase(std::string(uid_of(*old)));
  });
}

ModelNodes::~ModelNodes() = default;

void ModelNodes::start() { informers_.start(); }

Task<void> ModelNodes::stop() {
  stop_.request_stop();
  for (auto& [key, timer] : timers_) loop_.cancel(timer);
  timers_.clear();
  co_await gate_.close();
  co_await informers_.stop();
}

bool ModelNodes::is_up(std::string_view name) const {
  auto found = nodes_.find(name);
  return found != nodes_.end() && found->second;
}

void ModelNodes::up(const std::string& name) {
  bool known = nodes_.contains(name);
  nodes_[name] = true;
  if (!known) gate_.spawn(keep(name));
  for (const ObjectPtr& pod : pods_.list()) look_in(client::object_key(*pod), reaction_);
}

void ModelNodes::down(const std::string& name) { nodes_[name] = false; }

Task<void> ModelNodes::keep(std::string name) {
  bool going = true;
  while (going) {
    Result<void> there;
    if (is_up(name) && !is_registered(name)) there = co_await register_node(name);
    if (is_up(name) && there) co_await renew(name);
    going = co_await sleep_for(loop_, heartbeat_, stop_.token());
  }
}

bool ModelNodes::is_registered(const std::string& name) const {
  ObjectPtr node = node_objects_.get("", name);
  return node && is_ready(core_v1::Node(*node));
}

// Also takes back what others wrote about a node that was away.
Task<Result<void>> ModelNodes::register_node(std::string name) {
  Result<ObjectPtr> found = co_await client_.get(nodes(), "", name);
  if (!found) {
    if (!found.error().is_not_found()) co_return found.error();
    Result<ObjectPtr> made = co_await client_.create(nodes(), "", new_node(name, loop_.wall()));
    if (!made) co_return made.error();
    found = std::move(made);
  }
  Draft draft(**found);
  if (is_ready(core_v1::Node(draft))) co_return Result<void>();
  set_ready(core_v1::NodeEdit(draft), loop_.wall());
  Result<ObjectPtr> written = co_await client_.update(nodes(), draft.freeze(), "status");
  if (!written) co_return written.error();
  co_return Result<void>();
}

// What it wrote last is what it goes on from, as a kubelet does; what fails for good is tried again
// at the next interval.
Task<void> ModelNodes::renew(std::string name) {
  ObjectPtr known = leases_[name];
  Result<ObjectPtr> written = co_await put_lease(name, known);
  if (!written && known) written = co_await put_lease(name, nullptr);
  leases_[name] = written ? *written : nullptr;
}

Task<Result<ObjectPtr>> ModelNodes::put_lease(std::string name, ObjectPtr known) {
  constexpr const char* kNamespace = "kube-node-lease";
  if (!known) {
    Result<ObjectPtr> found = co_await client_.get(leases(), kNamespace, name);
    if (found) known = *found;
  }
  Draft draft = known ? Draft(*known) : coordination_v1::Lease::make();
  coordination_v1::LeaseEdit lease(draft);
  lease.edit_metadata().set_name(name);
  lease.edit_metadata().set_namespace(kNamespace);
  lease.edit_spec().set_holder_identity(name);
  auto lasts = std::chrono::duration_cast<std::chrono::seconds>(heartbeat_ + kLeaseSlack);
  lease.edit_spec().set_lease_duration_seconds(static_cast<int32_t>(lasts.count()));
  lease.edit_spec().set_renew_time(loop_.wall());
  if (known) co_return co_await client_.update(leases(), draft.freeze());
  co_return co_await client_.create(leases(), kNamespace, draft.freeze());
}

void ModelNodes::look_in(const std::string& key, Duration delay) {
  if (stop_.stop_requested()) return;
  Loop::TimerId& timer = timers_[key];
  loop_.cancel(timer);
  timer = loop_.call_after(delay, [this, key] {
    timers_.erase(key);
    gate_.spawn(act(key));
  });
}

ModelPod& ModelNodes::model_of(const Object& pod) {
  std::string uid(uid_of(pod));
  auto found = models_.find(uid);
  if (found != models_.end()) return found->second;
  int n = ++next_ip_;
  std::string ip = "10.42." + std::to_string(n / 250 % 250) + "." + std::to_string(n % 250 + 1);
  return models_.emplace(uid, ModelPod(ip)).first->second;
}

Task<void> ModelNodes::act(std::string key) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = pods_.get(ns, name);
  if (!object || !is_up(core_v1::Pod(*object).spec().node_name())) co_return;
  if (is_deleting(*object)) {
    co_await finish_deleted(object);
    co_return;
  }
  core_v1::Pod pod(*object);
  if (pod.status().phase() == "Failed" || pod.status().phase() == "Succeeded") co_return;
  ModelPod& model = model_of(*object);
  std::optional<Duration> next = model.advance(pod, loop_.wall());
  Draft draft(*object);
  model.write_status(core_v1::PodEdit(draft), loop_.wall());
  ObjectPtr wanted = draft.freeze();
  if (next) look_in(key, *next);
  if (equal(core_v1::Pod(*wanted).status(), pod.status())) co_return;
  Result<ObjectPtr> written = co_await client_.update(pods(), wanted, "status");
  if (!written && !written.error().is_not_found()) look_in(key, reaction_);
}

// The containers end, the status says so, and then the object may go.
Task<void> ModelNodes::finish_deleted(ObjectPtr object) {
  std::string_view phase = core_v1::Pod(*object).status().phase();
  std::string key = client::object_key(*object);
  if (phase != "Failed" && phase != "Succeeded") {
    ModelPod& model = model_of(*object);
    model.end(core_v1::Pod(*object), loop_.wall());
    Draft draft(*object);
    model.write_status(core_v1::PodEdit(draft), loop_.wall());
    Result<ObjectPtr> written = co_await client_.update(pods(), draft.freeze(), "status");
    if (!written && !written.error().is_not_found()) look_in(key, reaction_);
    co_return;
  }
  client::DeleteOptions options;
  options.grace_period_seconds = 0;
  options.uid = uid_of(*object);
  std::string ns(namespace_of(*object));
  std::string name(name_of(*object));
  Result<ObjectPtr> gone = co_await client_.remove(pods(), ns, name, options);
  if (!gone && !gone.error().is_not_found()) look_in(key, reaction_);
}

}  // namespace tiphys::control
