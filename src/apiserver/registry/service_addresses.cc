#include "apiserver/registry/service_addresses.h"

#include <algorithm>

#include "apiserver/managed_fields/managed_fields.h"
#include "apiserver/registry/meta.h"
#include "apiserver/registry/storable.h"
#include "kinds/ip_address.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kGroup = "networking.k8s.io";
constexpr std::string_view kResource = "ipaddresses";
constexpr std::string_view kFamilyLabel = "ipaddress.kubernetes.io/ip-family";
constexpr std::string_view kManagedLabel = "ipaddress.kubernetes.io/managed-by";
constexpr std::string_view kManager = "ipallocator.k8s.io";

const schema::Resource& resource() { return *schema::find_resource(kGroup, "v1", kResource); }

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

std::vector<std::string> service_addresses(const core_v1::Service& service) {
  std::vector<std::string> addresses;
  for (std::string_view address : service.spec().cluster_ips()) {
    if (auto parsed = parse_ip(address)) addresses.push_back(canonical_text(*parsed));
  }
  return addresses;
}

Draft make_ip_address(std::string_view address, const core_v1::Service& service) {
  Draft draft = networking_v1::IPAddress::make();
  networking_v1::IPAddressEdit edit(draft);
  edit.edit_metadata().set_name(address);
  bool v6 = address.find(':') != address.npos;
  edit.edit_metadata().edit_labels().set(kFamilyLabel, v6 ? "IPv6" : "IPv4");
  edit.edit_metadata().edit_labels().set(kManagedLabel, kManager);
  auto parent = edit.edit_spec().edit_parent_ref();
  parent.set_resource("services");
  parent.set_namespace(service.metadata().namespace_());
  parent.set_name(service.metadata().name());
  return draft;
}

bool is_allocated_address(const Object& address) {
  return MetaView(address).labels().find(kManagedLabel).as_text() == kManager;
}

bool is_address_of(const Object& address, std::string_view ns, std::string_view name) {
  auto parent = networking_v1::IPAddress(address.root()).spec().parent_ref();
  return parent.group().empty() && parent.resource() == "services" && parent.namespace_() == ns &&
         parent.name() == name;
}

void ServiceAddresses::add(storage::Txn& txn, const std::string& address,
                           const core_v1::Service& service) const {
  Cacher* cache = hub_.find(resource());
  auto metadata = service.metadata();
  ObjectPtr present = cache->get("", address);
  if (present && is_address_of(*present, metadata.namespace_(), metadata.name())) return;
  Draft draft = make_ip_address(address, service);
  MetaEdit edit(draft);
  edit.set_text("uid", random_.uuid());
  edit.set_int("creationTimestamp", clock_.wall() - clock_.wall() % kMicrosPerSecond);
  track_update(resource(), "", nullptr, draft, "kube-apiserver", clock_.wall());
  make_storable(draft);
  std::string key = store_key(resource(), "", address);
  txn.compares.push_back({key, 0});
  txn.puts.push_back(make_put(resource(), std::move(key), std::move(draft)).put);
}

void ServiceAddresses::drop(storage::Txn& txn, const std::string& address,
                            const core_v1::Service& service) const {
  ObjectPtr present = hub_.find(resource())->get("", address);
  auto metadata = service.metadata();
  if (!present || !is_address_of(*present, metadata.namespace_(), metadata.name())) return;
  txn.deletes.push_back({store_key(resource(), "", address)});
}

void ServiceAddresses::join(storage::Txn& txn, const Node* now, const Node* old) const {
  if (!hub_.find(resource())) return;
  core_v1::Service after(now ? *now : kEmptyNode);
  core_v1::Service before(old ? *old : kEmptyNode);
  std::vector<std::string> wanted = service_addresses(after);
  std::vector<std::string> had = service_addresses(before);
  for (const std::string& address : wanted) {
    if (!contains(had, address)) add(txn, address, after);
  }
  for (const std::string& address : had) {
    if (!contains(wanted, address)) drop(txn, address, before);
  }
}

}  // namespace tiphys::apiserver
