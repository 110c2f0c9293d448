// The name of this node: what was asked for, else the host's name in lower case.
#pragma once
#include <string>

namespace tiphys {

std::string node_name(const std::string& override_name);

}  // namespace tiphys
