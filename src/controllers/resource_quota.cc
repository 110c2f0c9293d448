#include "controllers/resource_quota.h"

#include "controllers/resources.h"
#include "kinds/quota_usage.h"

namespace tiphys::controllers {

namespace {

using core_v1::ResourceQuota;
using kinds::ResourceNames;
using kinds::ResourceSums;

constexpr Duration kPeriod = std::chrono::minutes(5);
constexpr Duration kUnlisted = std::chrono::seconds(5);  // until a new resource is looked at again
constexpr const char* kRound = "";                       // the key of "all quotas"

bool is_core(const schema::Resource& resource, std::string_view name) {
  return resource.group.empty() && resource.resource == name;
}

bool same_container_resources(const core_v1::PodStatus& now, const core_v1::PodStatus& old) {
  auto differs = [](const auto& a, const auto& b) {
    for (const auto& one : b) {
      for (const auto& other : a) {
        if (one.name() == other.name() && !equal(one.resources(), other.resources())) return true;
      }
    }
    return false;
  };
  return !differs(now.container_statuses(), old.container_statuses()) &&
         !differs(now.init_container_statuses(), old.init_container_statuses());
}

bool pod_takes_other(const core_v1::Pod& now, const core_v1::Pod& old, MicroTime time) {
  if (!same_container_resources(now.status(), old.status())) return true;
  if (kinds::is_terminating(now) != kinds::is_terminating(old)) return true;
  return kinds::counts_for_quota(old, time) && !kinds::counts_for_quota(now, time);
}

// "" for all types but those that quotas count.
std::string_view counted_type(const Object& service) {
  std::string_view type = core_v1::Service(service).spec().type();
  return type == "NodePort" || type == "LoadBalancer" ? type : "";
}

// Whether a change may free (or take) something that admission did not charge.
bool takes_other(const schema::Resource& resource, const Object& now, const Object& old,
                 MicroTime time) {
  if (is_core(resource, "pods")) {
    return pod_takes_other(core_v1::Pod(now), core_v1::Pod(old), time);
  }
  if (is_core(resource, "services")) return counted_type(now) != counted_type(old);
  if (is_core(resource, "persistentvolumeclaims")) {
    return kinds::claim_usage_may_differ(core_v1::PersistentVolumeClaim(now),
                                         core_v1::PersistentVolumeClaim(old));
  }
  return false;
}

// Whether the status has the limits of the spec, and any figures. Admission leaves both alone.
bool tells_limits(const ResourceQuota& quota) {
  return quota.status().has_hard() && quota.status().has_used() &&
         kinds::quantities(quota.status().hard()) == kinds::quantities(quota.spec().hard());
}

}  // namespace

ResourceQuotaController::ResourceQuotaController(Context context)
    : Controller(context, "resourcequota-controller"), quotas_(watch(resource_quotas())) {
  quotas_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (!now) return;
    bool same_spec = old && equal(ResourceQuota(*old).spec(), ResourceQuota(*now).spec());
    if (!same_spec || !tells_limits(ResourceQuota(*now))) enqueue(*now);
  });
  context.served.add_listener(
      [this](const schema::Resource& resource, bool served) { follow(resource, served); });
}

Task<void> ResourceQuotaController::prepare(StopToken stop) {
  (void)co_await context_.served.known(stop);
}

void ResourceQuotaController::follow(const schema::Resource& resource, bool served) {
  if (!resource.namespaced || kinds::quota_ignores(resource.group, resource.resource)) return;
  auto known = std::ranges::find(counted_, &resource, &Counted::resource);
  if (known != counted_.end()) {
    known->served = served;
    if (!served) return;
    context_.informers.informer(resource);  // it may have been suspended
  } else {
    if (!served) return;
    client::Informer& informer = context_.informers.informer(resource);
    counted_.push_back({&resource, &informer});
    informer.add_handler([this, &resource](const ObjectPtr& old, const ObjectPtr& now) {
      changed(resource, old, now);
    });
  }
  enqueue(kRound);
}

void ResourceQuotaController::ready() { enqueue(kRound); }

void ResourceQuotaController::changed(const schema::Resource& resource, const ObjectPtr& old,
                                      const ObjectPtr& now) {
  if (!old) return;
  if (now && !takes_other(resource, *now, *old, context_.loop.wall())) return;
  for (const ObjectPtr& quota : quotas_.list(namespace_of(*old))) {
    ResourceNames hard = kinds::names_of(kinds::quantities(ResourceQuota(*quota).status().hard()));
    if (!kinds::quota_names_about(resource.group, resource.resource, hard).empty()) {
      enqueue(*quota);
    }
  }
}

ResourceQuotaController::Count ResourceQuotaController::count(const Object& object,
                                                              const ResourceNames& names,
                                                              MicroTime now) const {
  ResourceQuota quota(object);
  // What nobody here can count keeps its number.
  Count result;
  ResourceSums& used = result.used;
  used = kinds::masked(kinds::quantities(quota.status().used()), names);
  for (const Counted& counted : counted_) {
    const schema::Resource& resource = *counted.resource;
    ResourceNames own = kinds::quota_names_about(resource.group, resource.resource, names);
    if (own.empty() || !counted.served) continue;
    if (!counted.informer->synced()) {
      result.whole = false;
      continue;
    }
    for (const std::string& one : own) used[one] = Quantity();
    for (const ObjectPtr& item : counted.informer->list(namespace_of(object))) {
      const Node& root = item->root();
      if (!kinds::in_quota_scopes(quota.spec(), resource.group, resource.resource, root)) continue;
      ResourceSums usage = kinds::quota_usage(resource.group, resource.resource, root, now);
      for (const auto& [what, amount] : kinds::masked(usage, own)) used[what] += amount;
    }
  }
  return result;
}

Decision ResourceQuotaController::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  if (key == kRound) {
    for (const ObjectPtr& quota : quotas_.list()) enqueue(*quota);
    decision.look_again_in(kPeriod);
    return decision;
  }
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = quotas_.get(ns, name);
  if (!object) return decision;
  ResourceQuota quota(*object);
  ResourceSums hard = kinds::quantities(quota.spec().hard());
  ResourceNames names = kinds::names_of(hard);
  Count counted = count(*object, names, now);
  const ResourceSums& used = counted.used;
  if (!counted.whole) decision.look_again_in(kUnlisted);
  bool told = tells_limits(quota) && kinds::quantities(quota.status().used()) == used;
  if (told) return decision;
  Draft draft(*object);
  auto status = core_v1::ResourceQuotaEdit(draft).edit_status();
  status.clear_used();
  status.clear_hard();
  auto edit_hard = status.edit_hard();
  for (const auto& [what, amount] : hard) edit_hard.set(what, amount.text());
  auto edit_used = status.edit_used();
  for (const auto& [what, amount] : used) edit_used.set(what, amount.text());
  decision.add(update_action(resource_quotas(), draft.freeze(), "status"));
  return decision;
}

}  // namespace tiphys::controllers
