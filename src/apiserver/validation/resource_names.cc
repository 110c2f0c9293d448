#include "apiserver/validation/resource_names.h"

#include "apiserver/validation/checks.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kHugePages = "hugepages-";
constexpr std::string_view kRequests = "requests.";

constexpr std::string_view kContainerResources[] = {"cpu", "memory", "ephemeral-storage"};
constexpr std::string_view kPodResources[] = {"cpu", "hugepages-", "memory"};
constexpr std::string_view kCounted[] = {"pods",
                                         "resourcequotas",
                                         "services",
                                         "replicationcontrollers",
                                         "secrets",
                                         "configmaps",
                                         "persistentvolumeclaims",
                                         "services.nodeports",
                                         "services.loadbalancers"};
constexpr std::string_view kMeasured[] = {"cpu",
                                          "memory",
                                          "ephemeral-storage",
                                          "requests.cpu",
                                          "requests.memory",
                                          "requests.storage",
                                          "limits.cpu",
                                          "limits.memory",
                                          "requests.ephemeral-storage",
                                          "limits.ephemeral-storage"};

bool has_domain(std::string_view name) { return name.find('/') != std::string_view::npos; }

bool is_quota_huge_page(std::string_view name) {
  return name.starts_with(kHugePages) || name.starts_with("requests.hugepages-");
}

}  // namespace

bool is_native_resource(std::string_view name) {
  return !has_domain(name) || name.find("kubernetes.io/") != std::string_view::npos;
}

bool is_huge_page_resource(std::string_view name) { return name.starts_with(kHugePages); }

bool is_extended_resource(std::string_view name) {
  if (is_native_resource(name) || name.starts_with(kRequests)) return false;
  return check_qualified_name(std::string(kRequests) + std::string(name)).empty();
}

bool is_integer_resource(std::string_view name) {
  return is_one_of(name, kCounted) || is_extended_resource(name);
}

bool is_overcommit_allowed(std::string_view name) {
  return is_native_resource(name) && !is_huge_page_resource(name);
}

bool is_standard_quota_resource(std::string_view name) {
  return is_one_of(name, kCounted) || is_one_of(name, kMeasured) || is_quota_huge_page(name);
}

void check_resource_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  Messages messages = check_qualified_name(name);
  errors.invalid_all(path, name, messages);
  if (!messages.empty() || has_domain(name)) return;
  if (!is_standard_quota_resource(name) && name != "storage") {
    errors.invalid(path, name, "must be a standard resource type or fully qualified");
  }
}

void check_container_resource_name(std::string_view name, const FieldPath& path,
                                   FieldErrors& errors) {
  check_resource_name(name, path, errors);
  if (!has_domain(name)) {
    if (!is_one_of(name, kContainerResources) && !is_huge_page_resource(name)) {
      errors.invalid(path, name, "must be a standard resource for containers");
    }
  } else if (!is_native_resource(name) && !is_extended_resource(name)) {
    errors.invalid(path, name, "doesn't follow extended resource name standard");
  }
}

void check_pod_resource_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  size_t before = errors.size();
  check_resource_name(name, path, errors);
  if (errors.size() > before) return;
  if (name == "cpu" || name == "memory" || is_huge_page_resource(name)) return;
  errors.not_supported(path, name, kPodResources);
}

void check_quota_resource_name(std::string_view name, const FieldPath& path, FieldErrors& errors) {
  check_resource_name(name, path, errors);
  if (!has_domain(name) && !is_standard_quota_resource(name)) {
    errors.invalid(path, name, "must be a standard resource for quota");
  }
}

void check_resource_amount(std::string_view name, std::string_view amount, const FieldPath& path,
                           FieldErrors& errors) {
  Quantity quantity = Quantity::of(amount);
  if (quantity.sign() < 0) {
    errors.invalid(path, amount, "must be greater than or equal to 0");
  }
  if (is_integer_resource(name) && quantity.milli_value() % 1000 != 0) {
    errors.invalid(path, amount, "must be an integer");
  }
}

}  // namespace tiphys::apiserver
