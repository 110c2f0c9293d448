#include "controllers/endpoint_slice.h"

#include <algorithm>

#include "controllers/pod_state.h"
#include "controllers/resources.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kByService = "service";
// How long changes of slices wait, so that one look is enough for several.
constexpr Duration kSliceDelay = std::chrono::seconds(1);
constexpr client::WorkQueue::BackOff kBackOff = {.base = std::chrono::seconds(1),
                                                 .limit = std::chrono::seconds(1000)};

}  // namespace

EndpointSliceController::EndpointSliceController(Context context, Options options)
    : Controller(context, "endpointslice-controller", 1, kBackOff),
      options_(options),
      services_(watch(services())),
      pods_(watch(pods())),
      slices_(watch(endpoint_slices())),
      nodes_(watch(nodes())),
      totals_(context.metrics.endpoint_slice) {
  event_source_ = "endpoint-slice-controller";
  slices_.add_index(std::string(kByService),
                    [](const Object& slice) { return service_of_slice(slice, kSliceController); });
  pods_.add_index(std::string(kByNode), node_of_pod);
  enqueue_changes(services_);
  slices_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (old) slice_changed(*old);
    if (now) slice_changed(*now);
  });
  nodes_.add_handler(
      [this](const ObjectPtr& old, const ObjectPtr& now) { node_changed(old, now); });
  watch_service_pods(services_, pods_, [this](std::string key) {
    enqueue_after(std::move(key), options_.batch_period);
  });
}

void EndpointSliceController::slice_changed(const Object& slice) {
  for (std::string& key : service_of_slice(slice, kSliceController)) {
    enqueue_after(std::move(key), std::max(kSliceDelay, options_.batch_period));
  }
}

// Pods have their zone from their node; Services whose zones have become too few endpoints need
// other hints.
void EndpointSliceController::node_changed(const ObjectPtr& old, const ObjectPtr& now) {
  auto capacity = [](const ObjectPtr& node) {
    return node ? capacity_of(core_v1::Node(*node)) : NodeCapacity();
  };
  NodeCapacity before = capacity(old);
  NodeCapacity after = capacity(now);
  if (old && now && before == after) return;
  if (!old || !now || before.zone != after.zone) {
    for (const ObjectPtr& pod : pods_.by_index(kByNode, name_of(now ? *now : *old))) {
      for (std::string& key : services_of_pod(services_, *pod)) enqueue(std::move(key));
    }
  }
  if (hints_.empty()) return;
  ZoneShares shares = zone_shares(nodes_.list());
  for (const auto& [key, counts] : hints_) {
    bool overloaded = std::ranges::any_of(
        counts, [&](const auto& entry) { return is_overloaded(entry.second, shares); });
    if (overloaded) enqueue(key);
  }
}

void EndpointSliceController::forget(const std::string& key) {
  triggers_.forget(key);
  hints_.erase(key);
  told_.erase(key);
}

SliceWorld EndpointSliceController::world_of(const std::string& key, ObjectPtr object) {
  SliceWorld world;
  world.service = std::move(object);
  core_v1::Service service(*world.service);
  for (ObjectPtr& pod : pods_.list(service.metadata().namespace_())) {
    if (selects(service, core_v1::Pod(*pod))) world.pods.push_back(std::move(pod));
  }
  for (ObjectPtr& slice : slices_.by_index(kByService, key)) {
    if (!is_deleting(*slice)) world.slices.push_back(std::move(slice));
  }
  std::ranges::sort(world.slices, {}, [](const ObjectPtr& slice) { return name_of(*slice); });
  world.node = [this](std::string_view name) { return nodes_.get("", name); };
  if (wants_topology_hints(service)) world.zones = zone_shares(nodes_.list());
  auto hints = hints_.find(key);
  if (hints != hints_.end()) world.hints = hints->second;
  world.limit = static_cast<size_t>(options_.max_endpoints_per_slice);
  world.trigger = triggers_.look(key, service, world.pods);
  return world;
}

void EndpointSliceController::tell(const std::string& key, std::vector<Note> notes,
                                   Decision& decision) {
  std::vector<std::string> telling;
  std::vector<std::string> told = std::move(told_[key]);
  for (Note& note : notes) {
    telling.push_back(note.reason + " " + note.message);
    if (std::ranges::find(told, telling.back()) != told.end()) continue;
    Action& action = decision.add(Action{});
    action.success = std::move(note);
  }
  told_[key] = std::move(telling);
  if (told_[key].empty()) told_.erase(key);
}

Decision EndpointSliceController::reconcile(const std::string& key, MicroTime now) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr service = services_.get(ns, name);
  // Slices of a Service that is gone go with it, by their owner reference.
  if (!service) {
    forget(key);
    return {};
  }
  if (!selects_pods(core_v1::Service(*service))) return {};
  SlicePlan plan = plan_slices(world_of(key, std::move(service)));
  if (plan.hints.empty()) {
    hints_.erase(key);
  } else {
    hints_[key] = std::move(plan.hints);
  }
  tell(key, std::move(plan.notes), plan.decision);
  return std::move(plan.decision);
}

void EndpointSliceController::count_distribution(const std::string& key, const std::string& now) {
  auto& distributions = context_.metrics.endpoint_slice.distributions;
  std::string before = std::exchange(distributions_[key], now);
  if (now.empty()) distributions_.erase(key);
  if (before == now) return;
  if (!before.empty()) distributions.with({before}).add(-1);
  if (!now.empty()) distributions.with({now}).add(1);
}

void EndpointSliceController::decided(const std::string& key, const Decision& decision) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = services_.get(ns, name);
  if (!object) {
    count_distribution(key, "");
    totals_.erase(key);
    return;
  }
  core_v1::Service service(*object);
  if (!selects_pods(service)) return;
  std::string distribution(service.spec().traffic_distribution());
  count_distribution(key, distribution);
  SliceCounts counts = count_slices(slices_.by_index(kByService, key), decision.actions,
                                    static_cast<size_t>(options_.max_endpoints_per_slice));
  totals_.put(key, counts);
  std::string_view topology = wants_topology_hints(service) ? "Auto" : "Disabled";
  context_.metrics.endpoint_slice.changed_slices.with({topology, distribution})
      .observe(static_cast<double>(counts.changed_slices));
}

void EndpointSliceController::outcome(const std::string&, const Action& action,
                                      const ApiStatus* error) {
  if (!error) totals_.count_change(action);
}

void EndpointSliceController::round_over(const std::string&, Duration, const ApiStatus* error) {
  context_.metrics.endpoint_slice.syncs.with({error ? "error" : "success"}).add();
}

}  // namespace tiphys::controllers
