// What the generated tables (tools/apic) offer to schema/; other folders use message.h, resource.h.
#pragma once
#include <span>

#include "schema/message.h"
#include "schema/resource.h"

namespace tiphys::schema::tables {

std::span<const Message* const> messages();  // by name
std::span<const Kind> kinds();
std::span<const uint16_t> sorted_kinds();      // indexes of kinds() by group, version, kind
std::span<const uint16_t> everywhere_kinds();  // registered in every group version
std::span<const Resource> resources();         // in discovery order

struct Described {
  std::string_view key;  // "Pod", "PodSpec.nodeName" or ".metadata"
  std::string_view text;
};
std::span<const Described> descriptions();  // by key

}  // namespace tiphys::schema::tables
