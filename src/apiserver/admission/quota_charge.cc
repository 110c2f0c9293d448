#include "apiserver/admission/quota_charge.h"

#include <algorithm>
#include <map>

#include "apiserver/admission/plain_plugin.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using kinds::ResourceNames;
using kinds::ResourceSums;

// Quotas on these demand that each container says how much it takes.
const ResourceNames kDemanded{"cpu",        "memory",       "requests.cpu", "requests.memory",
                              "limits.cpu", "limits.memory"};

std::string text_of(const ResourceSums& sums) {
  std::vector<std::string> parts;
  for (const auto& [name, amount] : sums) parts.push_back(name + "=" + amount.text());
  return join(parts, ",");
}

std::string text_of(const ResourceNames& names) {
  return join(std::vector<std::string>(names.begin(), names.end()), ",");
}

bool is_core(const AdmissionRequest& request, std::string_view resource) {
  return request.resource->group.empty() && request.resource->resource == resource;
}

bool may_cost_pod_quota(const AdmissionRequest& request) {
  if (request.subresource == "resize") return is_update(request);
  if (!request.subresource.empty()) return false;
  if (is_create(request)) return true;
  return kinds::is_terminating(core_v1::Pod(*request.object)) !=
         kinds::is_terminating(core_v1::Pod(*request.old_object));
}

bool may_cost_claim_quota(const AdmissionRequest& request) {
  if (request.subresource.empty()) return true;
  if (request.subresource != "status" || !is_update(request)) return false;
  return kinds::claim_usage_may_differ(core_v1::PersistentVolumeClaim(*request.object),
                                       core_v1::PersistentVolumeClaim(*request.old_object));
}

// Pod-level requests or limits of what pods can have at their level.
bool has_pod_level_resources(const core_v1::PodSpec& spec) {
  auto supported = [](std::string_view name) {
    return name == "cpu" || name == "memory" || name.starts_with("hugepages-");
  };
  for (const auto& entry : spec.resources().requests()) {
    if (supported(entry.key)) return true;
  }
  for (const auto& entry : spec.resources().limits()) {
    if (supported(entry.key)) return true;
  }
  return false;
}

bool says(const core_v1::ResourceRequirements& resources, std::string_view demanded) {
  if (auto limit = cut_prefix(demanded, "limits.")) return resources.limits().contains(*limit);
  auto request = cut_prefix(demanded, "requests.");
  return resources.requests().contains(request.value_or(demanded));
}

// "cpu for: a,b; memory for: a": containers that don't say what a quota demands; empty: none.
std::string unsaid(const core_v1::PodSpec& spec, const ResourceNames& names) {
  if (has_pod_level_resources(spec)) return "";
  std::vector<std::string> parts;
  for (const std::string& name : names) {
    if (!kDemanded.contains(name)) continue;
    ResourceNames missing;
    auto look_at = [&](const core_v1::Container& container) {
      if (!says(container.resources(), name)) missing.emplace(container.name());
    };
    for (const auto& container : spec.containers()) look_at(container);
    for (const auto& container : spec.init_containers()) look_at(container);
    if (!missing.empty()) parts.push_back(name + " for: " + text_of(missing));
  }
  return join(parts, "; ");
}

class Charge {
 public:
  explicit Charge(const AdmissionRequest& request)
      : request_(request),
        group_(request.resource->group),
        resource_(request.resource->resource),
        usage_(usage_of(request.object->root())) {
    if (is_update(request)) before_ = usage_of(request.old_object->root());
  }

  // Nothing may be asked for that is less than nothing.
  Result<void> check_sign() const {
    ResourceNames negative;
    for (const auto& [name, amount] : usage_) {
      if (amount.sign() < 0) negative.insert(name);
    }
    if (negative.empty()) return {};
    return denied(request_, "quota usage is negative for resource(s): " + text_of(negative));
  }

  // The names of a quota that the object counts against; empty: the quota isn't about it.
  ResourceNames names_about(const RunningQuota& quota, const Node& root) const {
    if (!kinds::in_quota_scopes(quota.spec(), group_, resource_, root)) return {};
    return kinds::quota_names_about(group_, resource_, kinds::names_of(quota.hard));
  }

  Result<void> check_demands(const RunningQuota& quota, const ResourceNames& names) const {
    if (is_core(request_, "pods")) {
      std::string missing = unsaid(core_v1::Pod(*request_.object).spec(), names);
      if (!missing.empty()) {
        return denied(request_,
                      "failed quota: " + std::string(quota.name()) + ": must specify " + missing);
      }
    }
    for (const std::string& name : names) {
      if (quota.used.contains(name)) continue;
      return denied(request_, "status unknown for quota: " + std::string(quota.name()) +
                                  ", resources: " + text_of(names));
    }
    return {};
  }

  Result<void> add_to(RunningQuota& quota) const {
    ResourceSums requested = kinds::masked(delta_for(quota), kinds::names_of(quota.hard));
    if (requested.empty()) return {};
    ResourceSums used = quota.used;
    ResourceNames exceeded;
    for (const auto& [name, amount] : requested) {
      used[name] += amount;
      if (used[name] > quota.hard.at(name)) exceeded.insert(name);
    }
    // What a status tells has happened already.
    if (!exceeded.empty() && request_.subresource != "status") {
      return denied(request_, "exceeded quota: " + std::string(quota.name()) +
                                  ", requested: " + text_of(kinds::masked(requested, exceeded)) +
                                  ", used: " + text_of(kinds::masked(quota.used, exceeded)) +
                                  ", limited: " + text_of(kinds::masked(quota.hard, exceeded)));
    }
    quota.used = std::move(used);
    quota.changed = true;
    return {};
  }

 private:
  ResourceSums usage_of(const Node& root) const {
    return kinds::quota_usage(group_, resource_, root, request_.now);
  }

  // What is new for a quota; all of it if it wasn't about the old object.
  ResourceSums delta_for(const RunningQuota& quota) const {
    bool counted = is_update(request_) && !names_about(quota, request_.old_object->root()).empty();
    ResourceSums delta;
    for (const auto& [name, amount] : usage_) {
      Quantity more = amount;
      auto had = before_.find(name);
      if (counted && had != before_.end()) more -= had->second;
      if (more.sign() > 0) delta[name] = more;
    }
    return delta;
  }

  const AdmissionRequest& request_;
  std::string_view group_;
  std::string_view resource_;
  ResourceSums usage_;
  ResourceSums before_;
};

}  // namespace

RunningQuota::RunningQuota(ObjectPtr quota)
    : object(std::move(quota)),
      hard(kinds::quantities(core_v1::ResourceQuota(*object).status().hard())),
      used(kinds::quantities(core_v1::ResourceQuota(*object).status().used())) {}

std::string_view RunningQuota::name() const {
  return core_v1::ResourceQuota(*object).metadata().name();
}

core_v1::ResourceQuotaSpec RunningQuota::spec() const {
  return core_v1::ResourceQuota(*object).spec();
}

Draft RunningQuota::with_usage() const {
  Draft draft(*object);
  auto edit = core_v1::ResourceQuotaEdit(draft).edit_status().edit_used();
  for (const auto& [name, amount] : used) edit.set(name, amount.text());
  return draft;
}

bool may_cost_quota(const AdmissionRequest& request) {
  if (!request.resource->namespaced || (!is_create(request) && !is_update(request))) return false;
  std::string_view resource = request.resource->resource;
  if (kinds::quota_ignores(request.resource->group, resource)) return false;
  if (is_core(request, "pods")) return may_cost_pod_quota(request);
  if (is_core(request, "persistentvolumeclaims")) return may_cost_claim_quota(request);
  if (!request.subresource.empty()) return false;
  bool varies = is_core(request, "services") || resource == "resourceclaims";
  return varies || is_create(request);
}

Result<void> charge(const AdmissionRequest& request, std::vector<RunningQuota>& quotas) {
  Charge charge(request);
  std::vector<RunningQuota*> concerned;
  for (RunningQuota& quota : quotas) {
    ResourceNames names = charge.names_about(quota, request.object->root());
    if (names.empty()) continue;
    if (auto good = charge.check_demands(quota, names); !good) return good;
    concerned.push_back(&quota);
  }
  if (concerned.empty()) return {};
  if (auto good = charge.check_sign(); !good) return good;
  for (RunningQuota* quota : concerned) {
    if (auto good = charge.add_to(*quota); !good) return good;
  }
  return {};
}

}  // namespace tiphys::apiserver
