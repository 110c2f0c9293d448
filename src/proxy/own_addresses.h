// The machine's own addresses, of the calling thread's network namespace. Blocks shortly.
#pragma once
#include <set>
#include <string>

namespace tiphys::proxy {

// As text, without zones; empty if the kernel doesn't tell.
std::set<std::string> own_addresses();

}  // namespace tiphys::proxy
