#include "apiserver/registry/service_allocator.h"

#include <arpa/inet.h>

#include <algorithm>

#include "apiserver/registry/meta.h"
#include "apiserver/registry/service_families.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string format_ipv4(uint32_t address) {
  char text[INET_ADDRSTRLEN];
  in_addr raw{htonl(address)};
  return inet_ntop(AF_INET, &raw, text, sizeof text);
}

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

// KEP-3070: the lower band is kept for addresses that users ask for.
uint32_t reserved_addresses(uint32_t count) {
  return std::min<uint32_t>(256, std::max<uint32_t>(16, count / 16));
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
  for (uint32_t address : addresses_) {
    auto at = owner_->address_counts_.find(address);
    if (at != owner_->address_counts_.end() && --at->second <= 0) owner_->address_counts_.erase(at);
  }
  for (int port : ports_) {
    auto at = owner_->port_counts_.find(port);
    if (at != owner_->port_counts_.end() && --at->second <= 0) owner_->port_counts_.erase(at);
  }
  owner_ = nullptr;
}

ServiceAllocator::ServiceAllocator(Options options, Random& random, Range first)
    : options_(std::move(options)), random_(random), ranges_{first} {}

std::optional<ServiceAllocator::Range> ServiceAllocator::parse_range(std::string_view cidr) {
  size_t slash = cidr.find('/');
  if (slash == cidr.npos) return std::nullopt;
  auto base = parse_ipv4(cidr.substr(0, slash));
  auto prefix = parse_int(cidr.substr(slash + 1));
  if (!base || !prefix || *prefix < 1 || *prefix > 30) return std::nullopt;
  uint32_t mask = ~uint32_t{0} << (32 - *prefix);
  return Range{*base & mask, uint32_t{1} << (32 - *prefix)};
}

Result<std::unique_ptr<ServiceAllocator>> ServiceAllocator::create(Options options,
                                                                   Random& random) {
  auto range = parse_range(options.service_cidr);
  if (!range) {
    return ApiStatus::bad_request("invalid service CIDR " + go_quote(options.service_cidr));
  }
  return std::unique_ptr<ServiceAllocator>(
      new ServiceAllocator(std::move(options), random, *range));
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
      if (auto range = parse_range(cidr)) others_[name].push_back(*range);
    }
  }
  ranges_.resize(1);
  for (const auto& [other, list] : others_) {
    ranges_.insert(ranges_.end(), list.begin(), list.end());
  }
}

void ServiceAllocator::account(const Object& object, int delta) {
  core_v1::Service service(object.root());
  for (std::string_view text : service.spec().cluster_ips()) {
    auto address = parse_ipv4(text);
    if (!address) continue;
    int& count = address_counts_[*address];
    count += delta;
    if (count <= 0) address_counts_.erase(*address);
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

bool ServiceAllocator::address_taken(uint32_t address) const {
  if (address_counts_.contains(address)) return true;
  return addresses_ && addresses_->get("", format_ipv4(address));
}

std::string ServiceAllocator::first_address() const { return format_ipv4(ranges_[0].base + 1); }

std::optional<uint32_t> ServiceAllocator::pick_address() {
  for (const Range& range : ranges_) {
    if (auto address = pick_address(range)) return address;
  }
  return std::nullopt;
}

std::optional<uint32_t> ServiceAllocator::pick_address(const Range& range) {
  uint32_t first = 1;
  uint32_t usable = range.count - 2;  // network and broadcast
  uint32_t band = reserved_addresses(range.count);
  auto scan = [&](uint32_t from, uint32_t size) -> std::optional<uint32_t> {
    if (size == 0) return std::nullopt;
    auto start = static_cast<uint32_t>(random_.below(size));
    for (uint32_t i = 0; i < size; ++i) {
      uint32_t address = range.base + from + (start + i) % size;
      if (!address_taken(address)) return address;
    }
    return std::nullopt;
  };
  if (band < usable) {
    auto address = scan(first + band, usable - band);
    if (address) return address;
    return scan(first, band);
  }
  return scan(first, usable);
}

Result<void> ServiceAllocator::allocate_addresses(Draft& draft, const Object* old,
                                                  Reservation& held) {
  core_v1::Service service(draft.root());
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(draft).edit_spec();
  if (!has_cluster_ip(service)) return {};  // what a client asks for is refused by validation
  std::string wanted(service.spec().cluster_ip());
  if (wanted.empty() && !service.spec().cluster_ips().empty()) {
    wanted = service.spec().cluster_ips()[0];
  }
  std::string before;
  if (old) before = core_v1::Service(old->root()).spec().cluster_ip();
  if (wanted.empty() && !before.empty()) wanted = before;
  if (wanted != "None" && wanted != before && !wanted.empty()) {
    auto address = parse_ipv4(wanted);
    FieldPath path = FieldPath("spec").child("clusterIPs");
    if (!address) return {};  // validation words it
    bool known = std::any_of(ranges_.begin(), ranges_.end(),
                             [&](const Range& range) { return range.holds(*address); });
    std::string_view problem;
    if (!known) problem = "the provided network does not match the current range";
    if (known && address_taken(*address)) problem = "provided IP is already allocated";
    if (!problem.empty()) {
      FieldErrors errors;
      errors.invalid_raw(path, "[" + go_quote(wanted) + "]",
                         "failed to allocate IP " + wanted + ": " + std::string(problem));
      return ApiStatus::invalid("", "Service", service.metadata().name(), errors.take());
    }
    ++address_counts_[*address];
    held.addresses_.push_back(*address);
  } else if (wanted.empty()) {
    auto address = pick_address();
    if (!address) return failure("failed to allocate a serviceIP: range is full");
    ++address_counts_[*address];
    held.addresses_.push_back(*address);
    wanted = format_ipv4(*address);
  }
  spec.set_cluster_ip(wanted);
  bool headless_without_selector = wanted == "None" && service.spec().selector().empty();
  if (core_v1::Service(draft.root()).spec().ip_family_policy().empty()) {
    spec.set_ip_family_policy(headless_without_selector ? "RequireDualStack" : "SingleStack");
  }
  if (core_v1::Service(draft.root()).spec().ip_families().empty()) {
    spec.edit_ip_families().append("IPv4");
    if (headless_without_selector) spec.edit_ip_families().append("IPv6");
  }
  if (core_v1::Service(draft.root()).spec().cluster_ips().empty()) {
    spec.edit_cluster_ips().append(wanted);
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
  prepare_service_families(service, old, errors);
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
