// API objects -> the proxy's facts. Pure; thread-safe. Hostile values (ports out of range,
// addresses that are none) are left out.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "object/object.h"
#include "proxy/model.h"

namespace tiphys::proxy {

// Nothing for what the proxy has nothing to do with: headless, ExternalName, another proxy's.
std::optional<ServiceFacts> service_facts(const Object& service);
SliceFacts slice_facts(const Object& endpoint_slice);
NodeFacts node_facts(const Object& node);
// The ranges of ServiceCIDRs, in order.
std::vector<Cidr> service_cidrs(const std::vector<ObjectPtr>& objects);
// When what an EndpointSlice tells happened, by its annotation; nothing: it doesn't say.
std::optional<MicroTime> trigger_time(const Object& endpoint_slice);
// "namespace/name" of the Service an EndpointSlice belongs to; "" if it names none.
std::string service_key_of_slice(const Object& endpoint_slice);

}  // namespace tiphys::proxy
