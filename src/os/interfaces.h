// The machine's own addresses. Thread-safe (no state).
#pragma once
#include <string>
#include <vector>

namespace tiphys::os {

std::string host_name();  // as gethostname(2), lower case
// The address that others reach this machine by: of the interface with the default route, else the
// first global one; "" if there is none. IPv4.
std::string primary_address();
// Every address of this machine (network namespace), both families.
std::vector<std::string> all_addresses();

}  // namespace tiphys::os
