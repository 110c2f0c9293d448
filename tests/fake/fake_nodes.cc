#include "tests/fake/fake_nodes.h"

#include "client/object_key.h"
#include "kinds/core_v1.h"

namespace tiphys::fake {

namespace {

const schema::Resource& pods() { return *schema::find_resource("", "v1", "pods"); }

}  // namespace

FakeNodes::FakeNodes(Loop& loop, FakeApi& api, Random& random, std::vector<std::string> names)
    : loop_(loop),
      api_(api),
      client_(api, "fake-nodes"),
      informers_(loop, client_, random),
      names_(std::move(names)) {
  informers_.informer(pods()).add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now) changed(now);
  });
  informers_.start();
}

void FakeNodes::hold(bool held) {
  held_ = held;
  if (held) return;
  for (const ObjectPtr& pod : informers_.informer(pods()).list()) changed(pod);
}

void FakeNodes::changed(const ObjectPtr& pod) {
  std::string ns(namespace_of(*pod));
  std::string name(name_of(*pod));
  auto timer = std::make_shared<Loop::TimerId>(0);
  *timer = loop_.call_after(delay_, [this, ns, name, timer] {
    timers_.erase(*timer);
    if (!held_) act(ns, name);
  });
  timers_.insert(*timer);
}

ObjectPtr FakeNodes::advanced(const Object& object) {
  Draft draft(object);
  core_v1::PodEdit pod(draft);
  core_v1::Pod view = pod.view();
  if (view.spec().node_name().empty()) {
    pod.edit_spec().set_node_name(names_[next_node_++ % names_.size()]);
    return draft.freeze();
  }
  if (!view.status().phase().empty()) return nullptr;
  bool broken = false;
  for (core_v1::Container container : view.spec().containers()) {
    broken = broken || container.image().find(broken_image_) != std::string_view::npos;
  }
  std::string ip = "10.42." + std::to_string(next_ip_ / 250) + "." + std::to_string(next_ip_ % 250);
  ++next_ip_;
  pod.edit_status().set_phase("Running");
  pod.edit_status().set_pod_ip(ip);
  pod.edit_status().edit_pod_ips().append().set_ip(ip);
  core_v1::PodConditionEdit ready = pod.edit_status().edit_conditions().append();
  ready.set_type("Ready");
  ready.set_status(broken ? "False" : "True");
  ready.set_last_transition_time(loop_.wall());
  return draft.freeze();
}

void FakeNodes::act(const std::string& ns, const std::string& name) {
  ObjectPtr pod = api_.get(pods(), ns, name);
  if (!pod) return;
  if (is_deleting(*pod)) {
    if (metadata(*pod).has_deletion_grace_period_seconds()) {
      api_.store().erase(pods(), ns, name);
      api_.tell_watches();
    }
    return;
  }
  ObjectPtr next = advanced(*pod);
  if (next) api_.put(pods(), next);
}

Task<void> FakeNodes::stop() {
  for (Loop::TimerId timer : timers_) loop_.cancel(timer);
  timers_.clear();
  co_await informers_.stop();
}

}  // namespace tiphys::fake
