#include "controllers/service_cidr.h"

#include <algorithm>

#include "controllers/resources.h"
#include "kinds/ip_address.h"
#include "kinds/networking_v1.h"

namespace tiphys::controllers {

namespace {

using networking_v1::ServiceCIDR;
using networking_v1::ServiceCIDREdit;

constexpr std::string_view kFinalizer = "networking.k8s.io/service-cidr-finalizer";
constexpr std::string_view kReady = "Ready";
// Addresses that somebody else keeps (as these objects may be anybody's) hold no range.
constexpr std::string_view kManagedLabel = "ipaddress.kubernetes.io/managed-by";
constexpr std::string_view kAllocator = "ipallocator.k8s.io";
constexpr Duration kLookAgain = std::chrono::seconds(30);
// Writers of services may not have seen yet that the range goes.
constexpr MicroTime kGrace = 10 * kMicrosPerSecond;

std::vector<IpPrefix> prefixes_of(const Object& range) {
  std::vector<IpPrefix> prefixes;
  for (std::string_view text : ServiceCIDR(range).spec().cidrs()) {
    if (auto prefix = parse_cidr(text)) prefixes.push_back(*prefix);
  }
  return prefixes;
}

bool any_holds(const std::vector<IpPrefix>& list, const IpAddress& one) {
  return std::ranges::any_of(list, [&](const IpPrefix& prefix) { return contains(prefix, one); });
}

bool has_condition(const Object& range, std::string_view status) {
  for (const auto& condition : ServiceCIDR(range).status().conditions()) {
    if (condition.type() == kReady) return condition.status() == status;
  }
  return false;
}

ObjectPtr with_condition(const Object& range, std::string_view status, std::string_view reason,
                         std::string_view message, MicroTime now) {
  Draft draft(range);
  auto conditions = ServiceCIDREdit(draft).edit_status().edit_conditions();
  size_t at = 0;
  while (at < conditions.size() && conditions[at].view().type() != kReady) ++at;
  if (at == conditions.size()) conditions.append();
  auto condition = conditions[at];
  condition.set_type(kReady);
  condition.set_status(status);
  condition.set_reason(reason);
  condition.set_message(message);
  condition.set_last_transition_time(now);
  return draft.freeze();
}

ObjectPtr with_finalizer(const Object& range) {
  Draft draft(range);
  edit_metadata(draft).edit_finalizers().append(kFinalizer);
  return draft.freeze();
}

ObjectPtr without_finalizer(const Object& range) {
  Draft draft(range);
  auto finalizers = edit_metadata(draft).edit_finalizers();
  for (size_t i = finalizers.size(); i-- > 0;) {
    if (finalizers[i] == kFinalizer) finalizers.erase(i);
  }
  if (finalizers.empty()) edit_metadata(draft).clear_finalizers();
  return draft.freeze();
}

}  // namespace

ServiceCidrController::ServiceCidrController(Context context)
    : Controller(context, "service-cidr-controller", 1),
      ranges_(watch(service_cidrs())),
      addresses_(watch(ip_addresses())) {
  // A range that goes or comes may free another one that waits.
  auto enqueue_waiting = [this] {
    for (const ObjectPtr& range : ranges_.list()) {
      if (is_deleting(*range)) enqueue(*range);
    }
  };
  ranges_.add_handler([this, enqueue_waiting](const ObjectPtr& old, const ObjectPtr& now) {
    enqueue(now ? *now : *old);
    enqueue_waiting();
  });
  addresses_.add_handler([enqueue_waiting](const ObjectPtr&, const ObjectPtr& now) {
    if (!now) enqueue_waiting();
  });
}

bool ServiceCidrController::is_needed(const Object& range) const {
  std::vector<IpPrefix> own = prefixes_of(range);
  std::vector<IpPrefix> others;
  for (const ObjectPtr& other : ranges_.list()) {
    if (uid_of(*other) == uid_of(range) || is_deleting(*other)) continue;
    for (const IpPrefix& prefix : prefixes_of(*other)) others.push_back(prefix);
  }
  for (const ObjectPtr& object : addresses_.list()) {
    if (metadata(*object).labels().find(kManagedLabel) != kAllocator) continue;
    auto address = parse_ip(name_of(*object));
    if (address && any_holds(own, *address) && !any_holds(others, *address)) return true;
  }
  return false;
}

Decision ServiceCidrController::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  ObjectPtr range = ranges_.get("", key);
  if (!range) return decision;
  bool held = has_finalizer(*range, kFinalizer);
  if (!is_deleting(*range)) {
    if (!held) {
      decision.add(update_action(service_cidrs(), with_finalizer(*range)));
    } else if (!has_condition(*range, "True")) {
      decision.add(update_action(
          service_cidrs(),
          with_condition(*range, "True", "", "Kubernetes Service CIDR is ready", now), "status"));
    }
    return decision;
  }
  if (!held) return decision;
  MicroTime since = metadata(*range).deletion_timestamp();
  bool needed = is_needed(*range);
  if (!needed && since + kGrace <= now) {
    decision.add(update_action(service_cidrs(), without_finalizer(*range)));
    return decision;
  }
  if (needed && !has_condition(*range, "False")) {
    decision.add(update_action(
        service_cidrs(),
        with_condition(*range, "False", "Terminating",
                       "There are still IPAddresses referencing the ServiceCIDR, please remove "
                       "them or create a new ServiceCIDR",
                       now),
        "status"));
  }
  decision.look_again_in(needed ? kLookAgain : std::chrono::seconds(kGrace / kMicrosPerSecond));
  return decision;
}

}  // namespace tiphys::controllers
