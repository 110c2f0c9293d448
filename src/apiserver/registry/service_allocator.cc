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

bool has_node_ports(core_v1::Service service) {
  return service.spec().type() == "NodePort" || service.spec().type() == "LoadBalancer";
}

std::string protocol_of(core_v1::ServicePort port) {
  return port.protocol().empty() ? "TCP" : std::string(port.protocol());
}

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
  for (const auto& port : ports_) {
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
  for (core_v1::ServicePort port : service.spec().ports()) {
    if (port.node_port() == 0) continue;
    auto key = std::make_pair(protocol_of(port), static_cast<int>(port.node_port()));
    int& count = port_counts_[key];
    count += delta;
    if (count <= 0) port_counts_.erase(key);
  }
  int health = service.spec().health_check_node_port();
  if (health == 0) return;
  int& count = port_counts_[{"TCP", health}];
  count += delta;
  if (count <= 0) port_counts_.erase({"TCP", health});
}

bool ServiceAllocator::address_taken(uint32_t address) const {
  if (address_counts_.contains(address)) return true;
  return addresses_ && addresses_->get("", format_ipv4(address));
}

bool ServiceAllocator::port_taken(const std::string& protocol, int port) const {
  return port_counts_.contains({protocol, port});
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

std::optional<int> ServiceAllocator::pick_port(const std::string& protocol) {
  int size = options_.node_port_last - options_.node_port_first + 1;
  // KEP-3668: the lower band is kept for ports that users ask for.
  int band = std::min(128, std::max(16, size / 32));
  if (size <= 16) band = 0;
  auto scan = [&](int from, int count) -> std::optional<int> {
    if (count <= 0) return std::nullopt;
    int start = static_cast<int>(random_.below(static_cast<uint64_t>(count)));
    for (int i = 0; i < count; ++i) {
      int port = options_.node_port_first + from + (start + i) % count;
      if (!port_taken(protocol, port)) return port;
    }
    return std::nullopt;
  };
  auto port = scan(band, size - band);
  return port ? port : scan(0, band);
}

void ServiceAllocator::hold_port(const std::string& protocol, int port, Reservation& held) {
  ++port_counts_[{protocol, port}];
  held.ports_.emplace_back(protocol, port);
}

void ServiceAllocator::allocate_addresses(Draft& draft, const Object* old, Reservation& held,
                                          FieldErrors& errors) {
  core_v1::Service service(draft.root());
  core_v1::ServiceSpecEdit spec = core_v1::ServiceEdit(draft).edit_spec();
  if (!has_cluster_ip(service)) {
    // What it had as another type goes; what a client asks for is refused by validation.
    if (!old) return;
    spec.clear_cluster_ip();
    spec.clear_cluster_ips();
    spec.clear_ip_families();
    spec.clear_ip_family_policy();
    return;
  }
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
    if (!address) return;  // validation words it
    bool known = std::any_of(ranges_.begin(), ranges_.end(),
                             [&](const Range& range) { return range.holds(*address); });
    std::string_view problem;
    if (!known) problem = "the provided network does not match the current range";
    if (known && address_taken(*address)) problem = "provided IP is already allocated";
    if (!problem.empty()) {
      errors.invalid_raw(path, "[" + go_quote(wanted) + "]",
                         "failed to allocate IP " + wanted + ": " + std::string(problem));
      return;
    }
    ++address_counts_[*address];
    held.addresses_.push_back(*address);
  } else if (wanted.empty()) {
    auto address = pick_address();
    if (!address) {
      errors.internal(FieldPath("spec").child("clusterIPs"),
                      "failed to allocate a serviceIP: range is full");
      return;
    }
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
}

void ServiceAllocator::allocate_ports(Draft& draft, const Object* old, Reservation& held,
                                      FieldErrors& errors) {
  core_v1::Service service(draft.root());
  if (!has_node_ports(service)) return;
  if (service.spec().type() == "LoadBalancer" &&
      service.spec().has_allocate_load_balancer_node_ports() &&
      !service.spec().allocate_load_balancer_node_ports()) {
    return;
  }
  std::vector<std::pair<std::string, int>> own;
  if (old) {
    for (core_v1::ServicePort port : core_v1::Service(old->root()).spec().ports()) {
      if (port.node_port() != 0) own.emplace_back(protocol_of(port), port.node_port());
    }
  }
  auto ports = core_v1::ServiceEdit(draft).edit_spec().edit_ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    core_v1::ServicePort port(ports[i].node());
    std::string protocol = protocol_of(port);
    int wanted = port.node_port();
    FieldPath path = FieldPath("spec").child("ports").index(i).child("nodePort");
    if (wanted != 0) {
      auto mine = std::find(own.begin(), own.end(), std::pair(protocol, wanted));
      if (mine != own.end()) continue;
      if (wanted < options_.node_port_first || wanted > options_.node_port_last) {
        errors.invalid(path, wanted,
                       "provided port is not in the valid range. The range of valid ports is " +
                           std::to_string(options_.node_port_first) + "-" +
                           std::to_string(options_.node_port_last));
      } else if (port_taken(protocol, wanted)) {
        errors.invalid(path, wanted, "provided port is already allocated");
      } else {
        hold_port(protocol, wanted, held);
      }
      continue;
    }
    // One port number for all protocols of a port, as far as it is free.
    std::optional<int> picked;
    for (size_t k = 0; k < i && !picked; ++k) {
      core_v1::ServicePort other(ports[k].node());
      bool twin = other.port() == port.port() && protocol_of(other) != protocol;
      if (twin && other.node_port() != 0 && !port_taken(protocol, other.node_port())) {
        picked = other.node_port();
      }
    }
    if (!picked) picked = pick_port(protocol);
    if (!picked) {
      errors.internal(path, "failed to allocate a nodePort: range is full");
      continue;
    }
    hold_port(protocol, *picked, held);
    ports[i].set_node_port(*picked);
  }
}

Result<ServiceAllocator::Reservation> ServiceAllocator::allocate(Draft& service,
                                                                 const Object* old) {
  Reservation held(this);
  FieldErrors errors;
  prepare_service_families(service, old, errors);
  if (errors.empty()) {
    allocate_addresses(service, old, held, errors);
    allocate_ports(service, old, held, errors);
  }
  if (errors.empty()) return held;
  core_v1::Service view(service.root());
  return ApiStatus::invalid("", "Service", view.metadata().name(), errors.take());
}

}  // namespace tiphys::apiserver
