#include "apiserver/registry/service_allocator.h"

#include <algorithm>

#include "apiserver/registry/meta.h"
#include "apiserver/registry/service_families.h"
#include "apiserver/validation/rules.h"
#include "apiserver/validation/service.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "kinds/ip_address.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

bool has_cluster_ip(core_v1::Service service) { return service.spec().type() != "ExternalName"; }

// Without a condition nobody has looked at it yet: then it counts as ready, as upstream's.
bool is_ready(const Object& object) {
  networking_v1::ServiceCIDR cidr(object.root());
  if (cidr.metadata().has_deletion_timestamp()) return false;
  for (const auto& condition : cidr.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return true;
}

}  // namespace

ServiceAllocator::Reservation& ServiceAllocator::Reservation::operator=(
    Reservation&& other) noexcept {
  if (this == &other) return *this;
  release();
  owner_ = std::exchange(other.owner_, nullptr);
  addresses_ = std::move(other.addresses_);
  ports_ = std::move(other.ports_);
  return *this;
}

void ServiceAllocator::Reservation::release() {
  if (!owner_) return;
  for (const std::string& address : addresses_) {
    auto at = owner_->address_counts_.find(address);
    if (at != owner_->address_counts_.end() && --at->second <= 0) owner_->address_counts_.erase(at);
  }
  for (int port : ports_) {
    auto at = owner_->port_counts_.find(port);
    if (at != owner_->port_counts_.end() && --at->second <= 0) owner_->port_counts_.erase(at);
  }
  owner_ = nullptr;
}

ServiceAllocator::ServiceAllocator(Options options, Random& random, std::vector<ServiceRange> own)
    : options_(std::move(options)), random_(random), own_(std::move(own)), ranges_(own_) {
  for (const ServiceRange& range : own_) families_.push_back(range.family());
}

Result<std::unique_ptr<ServiceAllocator>> ServiceAllocator::create(Options options,
                                                                   Random& random) {
  TIPHYS_TRY(std::vector<ServiceRange>, own, parse_service_ranges(options.service_cidr));
  return std::unique_ptr<ServiceAllocator>(
      new ServiceAllocator(std::move(options), random, std::move(own)));
}

void ServiceAllocator::follow(Cacher& services, Cacher* cidrs, const Cacher* addresses) {
  addresses_ = addresses;
  services.on_change([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now) account(*now, +1);
    if (old) account(*old, -1);
  });
  if (!cidrs) return;
  cidrs->on_change([this](const ObjectPtr& old, const ObjectPtr& now) { set_ranges(old, now); });
}

void ServiceAllocator::set_ranges(const ObjectPtr& old, const ObjectPtr& now) {
  std::string name(MetaView(now ? *now : *old).name());
  others_.erase(name);
  if (now && is_ready(*now)) {
    for (std::string_view cidr : networking_v1::ServiceCIDR(now->root()).spec().cidrs()) {
      if (auto range = parse_service_range(cidr)) others_[name].push_back(*range);
    }
  }
  ranges_ = own_;
  for (const auto& [other, list] : others_) {
    ranges_.insert(ranges_.end(), list.begin(), list.end());
  }
}

void ServiceAllocator::account(const Object& object, int delta) {
  core_v1::Service service(object.root());
  for (std::string_view text : service.spec().cluster_ips()) {
    auto address = parse_ip(text);
    if (!address) continue;
    std::string name = canonical_text(*address);
    int& count = address_counts_[name];
    count += delta;
    if (count <= 0) address_counts_.erase(name);
  }
  auto count_port = [&](int port) {
    if (port == 0) return;
    int& count = port_counts_[port];
    count += delta;
    if (count <= 0) port_counts_.erase(port);
  };
  for (core_v1::ServicePort port : service.spec().ports()) count_port(port.node_port());
  count_port(service.spec().health_check_node_port());
}

bool ServiceAllocator::address_taken(const std::string& address) const {
  return address_counts_.contains(address) || (addresses_ && addresses_->get("", address));
}

std::string ServiceAllocator::first_address() const { return canonical_text(own_[0].at(1)); }

std::optional<std::string> ServiceAllocator::pick_address(std::string_view family) {
  for (const ServiceRange& range : ranges_) {
    if (range.family() != family) continue;
    if (auto address = pick_address(range)) return address;
  }
  return std::nullopt;
}

std::optional<std::string> ServiceAllocator::pick_address(const ServiceRange& range) {
  auto scan = [&](uint64_t first, uint64_t size) -> std::optional<std::string> {
    if (size == 0) return std::nullopt;
    uint64_t start = random_.below(size);
    for (uint64_t i = 0; i < size; ++i) {
      uint64_t place = i < size - start ? start + i : i - (size - start);
      std::string address = canonical_text(range.at(first + place));
      if (!address_taken(address)) return address;
    }
    return std::nullopt;
  };
  uint64_t band = range.reserved();
  auto address = scan(1 + band, range.last - band);
  return address ? address : scan(1, band);
}

Result<std::string> ServiceAllocator::take_address(const Draft& draft, std::string_view family,
                                                   const std::string& wanted, Reservation& held) {
  std::optional<std::string> address;
  if (wanted.empty()) {
    address = pick_address(family);
    if (!address) return failure("failed to allocate a serviceIP: range is full");
  } else {
    std::optional<IpAddress> parsed = parse_ip(wanted);
    if (!parsed) return failure("failed to parse service IP " + go_quote(wanted));
    bool known = std::ranges::any_of(
        ranges_, [&](const ServiceRange& range) { return range.holds(*parsed); });
    address = canonical_text(*parsed);
    std::string_view problem;
    if (!known) problem = "the provided network does not match the current range";
    if (known && address_taken(*address)) problem = "provided IP is already allocated";
    if (!problem.empty()) {
      core_v1::Service service(draft.root());
      FieldErrors errors;
      errors.invalid_raw(
          FieldPath("spec.clusterIPs"),
          printed_field(core_v1::ServiceSpec::message_type(), service.spec().node(), "clusterIPs"),
          "failed to allocate IP " + wanted + ": " + std::string(problem));
      return ApiStatus::invalid("", "Service", service.metadata().name(), errors.take());
    }
  }
  ++address_counts_[*address];
  held.addresses_.push_back(*address);
  return wanted.empty() ? *address : wanted;
}

// The families are settled. Of an update only a second family gets an address: what else changed is
// refused by validation.
Result<void> ServiceAllocator::allocate_addresses(Draft& draft, const Object* old,
                                                  Reservation& held) {
  core_v1::Service service(draft.root());
  if (!has_cluster_ip(service) || is_headless(service)) return {};
  size_t families = service.spec().ip_families().size();
  core_v1::Service before;
  if (old) before = core_v1::Service(old->root());
  size_t first = 0;
  if (old && has_cluster_ip(before)) {
    bool grown = before.spec().ip_families().size() == 1 && families == 2;
    if (!grown || is_headless(before)) return {};
    first = 1;
  }
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(draft).edit_spec();
  auto addresses = spec.edit_cluster_ips();
  while (addresses.size() < families) addresses.append("");
  for (size_t i = first; i < families; ++i) {
    std::string family(spec.view().ip_families()[i]);
    std::string wanted(addresses.view()[i]);
    TIPHYS_TRY(std::string, address, take_address(draft, family, wanted, held));
    addresses.set(i, address);
    if (i == 0) spec.set_cluster_ip(address);
  }
  return {};
}

// As upstream's NewInternalError.
ApiStatus ServiceAllocator::failure(std::string_view what) {
  ApiStatus::Data data;
  data.code = 500;
  data.reason = "InternalError";
  data.message = "Internal error occurred: " + std::string(what);
  data.has_details = true;
  data.details.causes = {{.message = std::string(what)}};
  return ApiStatus(std::move(data));
}

Result<ServiceAllocator::Reservation> ServiceAllocator::allocate(Draft& service,
                                                                 const Object* old) {
  Reservation held(this);
  FieldErrors errors;
  prepare_service_families(service, old, families_, errors);
  if (!errors.empty()) {
    core_v1::Service view(service.root());
    return ApiStatus::invalid("", "Service", view.metadata().name(), errors.take());
  }
  Result<void> done = allocate_addresses(service, old, held);
  if (done) done = old ? update_ports(service, *old, held) : create_ports(service, held);
  if (done) done = allocate_health_check(service, old, held);
  if (!done) return done.error();
  return held;
}

}  // namespace tiphys::apiserver
