#include "apiserver/registry/service_repair.h"

#include <algorithm>

#include "apiserver/registry/meta.h"
#include "apiserver/registry/service_addresses.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kGroup = "networking.k8s.io";
constexpr std::string_view kResource = "ipaddresses";

// The service that an IPAddress names, if it is there and has the address; else null.
ObjectPtr holder_of(const Lookup& lookup, const Object& address) {
  auto parent = networking_v1::IPAddress(address.root()).spec().parent_ref();
  if (!parent.group().empty() || parent.resource() != "services") return nullptr;
  ObjectPtr service = lookup.get("", "services", parent.namespace_(), parent.name());
  if (!service) return nullptr;
  std::vector<std::string> own = service_addresses(core_v1::Service(service->root()));
  bool has = std::find(own.begin(), own.end(), MetaView(address).name()) != own.end();
  return has ? service : nullptr;
}

}  // namespace

std::vector<AddressRepair> plan_address_repair(const Lookup& lookup, MicroTime now) {
  std::vector<AddressRepair> repairs;
  for (const ObjectPtr& object : lookup.list("", "services", "")) {
    core_v1::Service service(object->root());
    for (const std::string& address : service_addresses(service)) {
      ObjectPtr present = lookup.get(kGroup, kResource, "", address);
      // An address that two services have stays with the one that its IPAddress names.
      if (present && holder_of(lookup, *present)) continue;
      repairs.push_back({present, make_ip_address(address, service).freeze()});
    }
  }
  for (const ObjectPtr& address : lookup.list(kGroup, kResource, "")) {
    bool young = MetaView(*address).creation_timestamp() > now - kAddressGrace;
    if (young || !is_allocated_address(*address) || holder_of(lookup, *address)) continue;
    bool planned = std::any_of(repairs.begin(), repairs.end(), [&](const AddressRepair& repair) {
      return repair.remove == address;
    });
    if (!planned) repairs.push_back({address, nullptr});
  }
  return repairs;
}

}  // namespace tiphys::apiserver
