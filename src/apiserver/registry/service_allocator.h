// ServiceAllocator: cluster IPs and node ports of Services. What is taken follows the watch caches
// of services and IPAddresses plus the reservations of writes in progress, so two writes never get
// the same, and what a failed write had reserved is free again at once. Addresses come from the
// ranges that the server was given and from all ServiceCIDRs that are ready, of the families that
// the server was given. Loop thread only.
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
#include "apiserver/registry/service_ranges.h"
#include "base/random.h"
#include "base/result.h"
#include "object/object.h"

namespace tiphys::apiserver {

class ServiceAllocator {
 public:
  struct Options {
    std::string service_cidr = "10.43.0.0/16";  // or two, of both families
    int node_port_first = 30000;
    int node_port_last = 32767;
  };
  // Error: BadRequest for ranges that can't be.
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
    std::vector<std::string> addresses_;
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
  ServiceAllocator(Options options, Random& random, std::vector<ServiceRange> own);
  void set_ranges(const ObjectPtr& old, const ObjectPtr& now);
  void account(const Object& service, int delta);
  bool address_taken(const std::string& address) const;
  std::optional<std::string> pick_address(std::string_view family);
  std::optional<std::string> pick_address(const ServiceRange& range);
  Result<void> allocate_addresses(Draft& service, const Object* old, Reservation& held);
  // The address of one family, for one that is asked for or for "".
  Result<std::string> take_address(const Draft& service, std::string_view family,
                                   const std::string& wanted, Reservation& held);

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
  std::vector<std::string_view> families_;  // what services may have, the default first
  std::vector<ServiceRange> own_;           // the server's
  std::vector<ServiceRange> ranges_;        // all, the own ones first
  std::map<std::string, std::vector<ServiceRange>> others_;  // of ready ServiceCIDRs, by name
  const Cacher* addresses_ = nullptr;
  std::unordered_map<std::string, int> address_counts_;  // stored and reserved
  std::map<int, int> port_counts_;
};

}  // namespace tiphys::apiserver
