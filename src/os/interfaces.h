// The machine's own addresses. Thread-safe (no state).
#pragma once
#include <string>
#include <vector>

namespace tiphys::os {

std::string host_name();  // as gethostname(2), lower case
enum class Family { kIpv4, kIpv6 };
// The address that others reach this machine by: of the interface with the default route, else the
// first one; "" if there is none. Loopback's and link-local ones of IPv6 are not reached by others.
std::string primary_address(Family family = Family::kIpv4);
// Every address of this machine (network namespace), both families.
std::vector<std::string> all_addresses();

}  // namespace tiphys::os
