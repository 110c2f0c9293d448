// The discovery documents of a server that serves what the schema's tables say. For tests only.
#pragma once
#include <string>

namespace tiphys::fake {

// The aggregated document of /api (core) or /apis.
std::string discovery_document(bool core);

}  // namespace tiphys::fake
