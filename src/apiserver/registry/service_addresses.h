// IPAddress objects: who holds which cluster IP (KEP-1880). They are written in the transaction
// that writes or deletes their Service, so that neither is ever there without the other; what
// clients do to them by hand is repaired (service_repair.h). Loop thread only.
#pragma once
#include <string>
#include <vector>

#include "apiserver/cacher/cacher_hub.h"
#include "base/random.h"
#include "kinds/core_v1.h"
#include "storage/store.h"

namespace tiphys::apiserver {

// The cluster IPs of a service, "None" aside, as IPAddresses are named: canonical.
std::vector<std::string> service_addresses(const core_v1::Service& service);
// The IPAddress of a service's address, as the allocator makes them.
Draft make_ip_address(std::string_view address, const core_v1::Service& service);
// Whether an IPAddress is the allocator's, and whether it is a service's.
bool is_allocated_address(const Object& address);
bool is_address_of(const Object& address, std::string_view ns, std::string_view name);

class ServiceAddresses {
 public:
  // All must outlive this.
  ServiceAddresses(const CacherHub& hub, Random& random, const Clock& clock)
      : hub_(hub), random_(random), clock_(clock) {}

  // Adds to a transaction that turns the service `old` into `now` (null: there is none) what has
  // to happen to their IPAddresses. The transaction fails if somebody else's is there meanwhile.
  void join(storage::Txn& txn, const Node* now, const Node* old) const;

 private:
  void add(storage::Txn& txn, const std::string& address, const core_v1::Service& service) const;
  void drop(storage::Txn& txn, const std::string& address, const core_v1::Service& service) const;

  const CacherHub& hub_;
  Random& random_;
  const Clock& clock_;
};

}  // namespace tiphys::apiserver
