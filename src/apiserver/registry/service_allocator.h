// ServiceAllocator: cluster IPs and node ports of Services. What is taken follows the watch caches
// of services and IPAddresses plus the reservations of writes in progress, so two writes never get
// the same, and what a failed write had reserved is free again at once. Addresses come from the
// range that the server was given and from all ServiceCIDRs that are ready. Loop thread only, IPv4.
//
// Upstream: pkg/registry/core/service/storage/alloc.go, .../ipallocator/cidrallocator.go
// (KEP-1880); reserved bands as KEP-3070 and KEP-3668.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "apiserver/cacher/cacher.h"
#include "apiserver/registry/field_error.h"
#include "base/random.h"
#include "base/result.h"
#include "object/object.h"

namespace tiphys::apiserver {

class ServiceAllocator {
 public:
  struct Options {
    std::string service_cidr = "10.43.0.0/16";
    int node_port_first = 30000;
    int node_port_last = 32767;
  };
  // Error: BadRequest for a CIDR that is none.
  static Result<std::unique_ptr<ServiceAllocator>> create(Options options, Random& random);

  // Follows the cachers (they may be null, services aside). Once, before the first reservation.
  void follow(Cacher& services, Cacher* cidrs, const Cacher* addresses);

  // Addresses and ports held for one write. Gives back what keep() was not called for.
  class Reservation {
   public:
    Reservation() = default;
    explicit Reservation(ServiceAllocator* owner) : owner_(owner) {}
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    Reservation& operator=(Reservation&& other) noexcept;
    ~Reservation() { release(); }
    void release();

   private:
    friend class ServiceAllocator;
    ServiceAllocator* owner_ = nullptr;
    std::vector<uint32_t> addresses_;
    std::vector<int> ports_;
  };

  // Fills clusterIP(s), ipFamilies, node ports and the port of health checks into the service; old:
  // null at creation. Released (destroyed) after the write: by then the cache holds what was
  // written. Errors: Invalid for what is asked for and can't be had, 500 when nothing is left.
  Result<Reservation> allocate(Draft& service, const Object* old);

  // The first address of the range: that of the service `kubernetes`.
  std::string first_address() const;
  size_t addresses_in_use() const { return address_counts_.size(); }

 private:
  struct Range {
    uint32_t base = 0;   // network address, host order
    uint32_t count = 0;  // addresses in the range; network and broadcast are never given out
    bool holds(uint32_t address) const { return address > base && address - base < count - 1; }
  };
  static std::optional<Range> parse_range(std::string_view cidr);

  ServiceAllocator(Options options, Random& random, Range first);
  void set_ranges(const ObjectPtr& old, const ObjectPtr& now);
  void account(const Object& service, int delta);
  bool address_taken(uint32_t address) const;
  std::optional<uint32_t> pick_address();
  std::optional<uint32_t> pick_address(const Range& range);
  Result<void> allocate_addresses(Draft& service, const Object* old, Reservation& held);

  static ApiStatus failure(std::string_view what);

  // service_ports.cc. A port is taken for all protocols at once.
  std::optional<int> pick_port() const;
  void hold_port(int port, Reservation& held);
  // Why a port that is asked for can't be had; "": it can, and is held.
  std::string take_port(int port, Reservation& held);
  Result<void> create_ports(Draft& service, Reservation& held);
  Result<void> update_ports(Draft& service, const Object& old, Reservation& held);
  Result<void> allocate_health_check(Draft& service, const Object* old, Reservation& held);

  Options options_;
  Random& random_;
  std::vector<Range> ranges_;                         // the server's own first
  std::map<std::string, std::vector<Range>> others_;  // of ready ServiceCIDRs, by name
  const Cacher* addresses_ = nullptr;
  std::unordered_map<uint32_t, int> address_counts_;  // stored and reserved
  std::map<int, int> port_counts_;
};

}  // namespace tiphys::apiserver
