// The table's fixed part: hooks, shared chains, and the empty maps that services fill.
// Pure; thread-safe. Lines of nft commands, in order.
#pragma once
#include <string>
#include <vector>

#include "proxy/model.h"

namespace tiphys::proxy {

// "ip tiphys-proxy-x": what stands before every name of the table.
std::string table_ref(const Settings& settings, Family family);

// Without "add table"; for an empty table.
std::vector<std::string> base_rules(const Settings& settings, const NodeFacts& node, Family family);

// Settings::local_interface as nft writes it, quoted.
std::string interface_pattern(const Settings& settings);

}  // namespace tiphys::proxy
