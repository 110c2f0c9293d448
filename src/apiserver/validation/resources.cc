#include "apiserver/validation/resources.h"

#include "apiserver/validation/checks.h"
#include "apiserver/validation/resource_names.h"
#include "base/strings.h"
#include "kinds/pods.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

using Amounts = MapView<std::string_view>;

struct Seen {
  bool compute = false;
  bool huge_pages = false;
};

// One entry of a list: its name, its amount, its pages.
void validate_entry(std::string_view name, std::string_view amount, const ResourceRules& rules,
                    const FieldPath& path, Seen& seen, FieldErrors& errors) {
  if (rules.pod_level) {
    check_pod_resource_name(name, path, errors);
  } else {
    check_container_resource_name(name, path, errors);
  }
  check_resource_amount(name, amount, path, errors);
  seen.compute |= name == "cpu" || name == "memory";
  if (!is_huge_page_resource(name)) return;
  seen.huge_pages = true;
  if (rules.huge_pages || is_whole_huge_pages(name, amount)) return;
  errors.invalid(path, amount,
                 std::string(amount) + " is not positive integer multiple of " + std::string(name));
}

void validate_request(std::string_view name, std::string_view amount, const Amounts& limits,
                      const FieldPath& requests, const FieldPath& limit_path, FieldErrors& errors) {
  if (!limits.contains(name)) {
    if (!is_overcommit_allowed(name)) {
      errors.required(limit_path, "Limit must be set for non overcommitable resources");
    }
    return;
  }
  std::string limit(limits.find(name));
  int order = Quantity::of(amount).compare(Quantity::of(limit));
  std::string tail = std::string(name) + " limit of " + limit;
  if (order != 0 && !is_overcommit_allowed(name)) {
    errors.invalid(requests, amount, "must be equal to " + tail);
  } else if (order > 0) {
    errors.invalid(requests, amount, "must be less than or equal to " + tail);
  }
}

std::string claim_problem(const std::set<std::string_view>* claims) {
  std::string problem = "must be one of the names in pod.spec.resourceClaims";
  if (!claims || claims->empty()) return problem + " which is empty";
  std::vector<std::string> names(claims->begin(), claims->end());
  return problem + ": " + join(names, ", ");
}

// A claim may be named once, or once with each of its requests.
bool is_repeated(const std::set<std::string>& seen, std::string_view name,
                 std::string_view request) {
  if (seen.contains(std::string(name))) return true;
  if (!request.empty()) return seen.contains(std::string(name) + "/" + std::string(request));
  return std::ranges::any_of(
      seen, [&](const std::string& key) { return key.starts_with(std::string(name) + "/"); });
}

void validate_claims(const ListView<core_v1::ResourceClaim>& claims, const ResourceRules& rules,
                     const FieldPath& path, FieldErrors& errors) {
  std::set<std::string> seen;
  for (size_t i = 0; i < claims.size(); ++i) {
    std::string_view name = claims[i].name();
    std::string_view request = claims[i].request();
    FieldPath at = path.index(i);
    if (name.empty()) {
      errors.required(at);
      continue;
    }
    bool named = seen.contains(std::string(name));
    if (!request.empty() && !named) {
      errors.invalid_all(at.child("request"), request, check_dns1123_label(request));
    }
    std::string key(name);
    if (!request.empty() && !named) key.append("/").append(request);
    if (is_repeated(seen, name, request)) errors.duplicate(at, key);
    if (!named) seen.insert(key);
    if (!rules.claims || !rules.claims->contains(name)) {
      errors.not_found(at, name, claim_problem(rules.claims));
    }
  }
}

void check_sum(const kinds::ResourceSums& sums, const Amounts& amounts, bool huge_pages_only,
               std::string_view noun, const FieldPath& path, FieldErrors& errors) {
  for (const auto& [name, sum] : sums) {
    if (huge_pages_only && !is_huge_page_resource(name)) continue;
    if (!amounts.contains(name)) continue;
    std::string_view own = amounts.find(name);
    if (sum.compare(Quantity::of(own)) <= 0) continue;
    errors.invalid(path.key(name), own,
                   "must be greater than or equal to aggregate container " + std::string(noun) +
                       " of " + sum.text());
  }
}

void validate_pod_sums(core_v1::PodSpec spec, const FieldPath& path, FieldErrors& errors) {
  core_v1::ResourceRequirements own = spec.resources();
  check_sum(kinds::container_requests(spec), own.requests(), false, "requests",
            path.child("requests"), errors);
  check_sum(kinds::container_limits(spec), own.limits(), true, "limits", path.child("limits"),
            errors);
  for (size_t i = 0; i < spec.containers().size(); ++i) {
    for (auto [name, limit] : spec.containers()[i].resources().limits()) {
      if (!own.limits().contains(name)) continue;
      std::string whole(own.limits().find(name));
      if (Quantity::of(limit).compare(Quantity::of(whole)) <= 0) continue;
      errors.invalid(path.child("containers").index(i).key(name).child("limits"), limit,
                     "must be less than or equal to pod limits of " + whole);
    }
  }
}

}  // namespace

bool is_whole_huge_pages(std::string_view name, std::string_view amount) {
  Result<Quantity> page = Quantity::parse(name.substr(std::string_view("hugepages-").size()));
  if (!page || page->sign() <= 0 || page->milli_value() % 1000 != 0) return false;
  return Quantity::of(amount).value() % page->value() == 0;
}

void validate_resources(core_v1::ResourceRequirements resources, const ResourceRules& rules,
                        const FieldPath& path, FieldErrors& errors) {
  Seen seen;
  for (auto [name, amount] : resources.limits()) {
    validate_entry(name, amount, rules, path.child("limits").key(name), seen, errors);
  }
  for (auto [name, amount] : resources.requests()) {
    validate_entry(name, amount, rules, path.child("requests").key(name), seen, errors);
    validate_request(name, amount, resources.limits(), path.child("requests"), path.child("limits"),
                     errors);
  }
  if (seen.huge_pages && !seen.compute) {
    errors.forbidden(path, "HugePages require cpu or memory");
  }
  validate_claims(resources.claims(), rules, path.child("claims"), errors);
}

void validate_overhead(const MapView<std::string_view>& overhead, const ResourceRules& rules,
                       const FieldPath& path, FieldErrors& errors) {
  Seen seen;
  for (auto [name, amount] : overhead) {
    validate_entry(name, amount, rules, path.child("limits").key(name), seen, errors);
  }
  if (seen.huge_pages && !seen.compute) {
    errors.forbidden(path, "HugePages require cpu or memory");
  }
}

void validate_pod_resources(core_v1::PodSpec spec, const ResourceRules& rules,
                            const FieldPath& path, FieldErrors& errors) {
  if (!spec.has_resources()) return;
  if (spec.os().name() == "windows") {
    errors.forbidden(path, "may not be set for a windows pod");
    return;
  }
  if (spec.resources().has_claims()) {
    errors.forbidden(path.child("claims"), "claims may not be set for Resources at pod-level");
  }
  ResourceRules pod_rules = rules;
  pod_rules.pod_level = true;
  validate_resources(spec.resources(), pod_rules, path, errors);
  validate_pod_sums(spec, path, errors);
}

}  // namespace tiphys::apiserver
