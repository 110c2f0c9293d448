// API objects as the facts that Records takes; hostile values are left out. Pure.
#pragma once
#include <memory>
#include <vector>

#include "dns/records.h"
#include "object/object.h"

namespace tiphys::dns {

// "namespace/name" of the Service that a slice belongs to; "": of none.
std::string service_key_of_slice(const Object& slice);
// "name.namespace", as Records has it, of "namespace/name".
std::string record_key(std::string_view object_key);
std::unique_ptr<ServiceRecords> service_records(const Object& service,
                                                const std::vector<ObjectPtr>& slices);

}  // namespace tiphys::dns
