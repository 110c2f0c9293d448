#include "dns/from_objects.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/strings.h"
#include "client/object_key.h"
#include "kinds/core_v1.h"
#include "kinds/discovery_v1.h"

namespace tiphys::dns {

namespace {

using Kind = ServiceRecords::Kind;

constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

Port port_of(std::string_view name, std::string_view protocol, int32_t number) {
  return {
      .name = to_lower(name),
      .protocol = protocol.empty() ? "tcp" : to_lower(protocol),
      .number = number > 0 && number <= UINT16_MAX ? static_cast<uint16_t>(number) : uint16_t{0}};
}

bool fits_label(std::string_view text) { return !text.empty() && text.size() <= kMaxLabelBytes; }

// Collects the endpoints of a Service, each address and host once.
class EndpointCollector {
 public:
  explicit EndpointCollector(ServiceRecords& out) : out_(out) {}

  void add(const Object& object) {
    discovery_v1::EndpointSlice slice(object);
    if (slice.address_type() == "FQDN") return;
    std::vector<Port> ports;
    for (discovery_v1::EndpointPort port : slice.ports()) {
      ports.push_back(port_of(port.name(), port.protocol(), port.port()));
    }
    for (discovery_v1::Endpoint endpoint : slice.endpoints()) {
      bool ready = !endpoint.conditions().has_ready() || endpoint.conditions().ready();
      if (!ready) continue;
      for (std::string_view text : endpoint.addresses()) add(text, endpoint.hostname(), ports);
    }
  }

 private:
  void add(std::string_view text, std::string_view hostname, const std::vector<Port>& ports) {
    std::optional<IpAddress> address = parse_ip(text);
    if (!address) return;
    std::string host = fits_label(hostname) ? to_lower(hostname) : dashed(*address);
    uint32_t at = index_of(*address, std::move(host));
    for (const Port& port : ports) {
      if (port.number != 0) add_target(port, {at, port.number});
    }
  }

  uint32_t index_of(const IpAddress& address, std::string host) {
    auto next = static_cast<uint32_t>(out_.endpoints.size());
    auto [found, fresh] = indexes_.try_emplace({canonical_text(address), host}, next);
    if (!fresh) return found->second;
    out_.endpoints.push_back({address, std::move(host)});
    if (out_.headless() && addresses_.insert(canonical_text(address)).second) {
      out_.addresses.push_back(address);
    }
    return next;
  }

  void add_target(const Port& port, ServiceRecords::PortTarget target) {
    auto same = [&](const ServiceRecords::EndpointPort& one) {
      return one.port.name == port.name && one.port.protocol == port.protocol;
    };
    auto found = std::ranges::find_if(out_.endpoint_ports, same);
    if (found == out_.endpoint_ports.end()) {
      found = out_.endpoint_ports.insert(found, {.port = port, .targets = {}});
    }
    auto at = static_cast<size_t>(found - out_.endpoint_ports.begin());
    if (targets_.emplace(at, target.endpoint, target.port).second) {
      found->targets.push_back(target);
    }
  }

  ServiceRecords& out_;
  std::set<std::string> addresses_;
  std::set<std::tuple<size_t, uint32_t, uint16_t>> targets_;
  std::map<std::pair<std::string, std::string>, uint32_t> indexes_;
};

void add_cluster_ips(const core_v1::ServiceSpec& spec, ServiceRecords& out) {
  for (std::string_view text : spec.cluster_ips()) {
    if (std::optional<IpAddress> address = parse_ip(text)) out.addresses.push_back(*address);
  }
  std::optional<IpAddress> single = parse_ip(spec.cluster_ip());
  if (out.addresses.empty() && single) out.addresses.push_back(*single);
}

}  // namespace

std::string service_key_of_slice(const Object& object) {
  discovery_v1::EndpointSlice slice(object);
  std::string_view name = slice.metadata().labels().find(kServiceNameLabel);
  return name.empty() ? "" : client::object_key(slice.metadata().namespace_(), name);
}

std::string record_key(std::string_view object_key) {
  auto [ns, name] = client::split_key(object_key);
  return to_lower(name) + "." + to_lower(ns);
}

std::unique_ptr<ServiceRecords> service_records(const Object& object,
                                                const std::vector<ObjectPtr>& slices) {
  core_v1::Service service(object);
  core_v1::ServiceSpec spec = service.spec();
  auto out = std::make_unique<ServiceRecords>();
  out->key = record_key(client::object_key(object));
  append_label(out->wire, to_lower(service.metadata().name()));
  append_label(out->wire, to_lower(service.metadata().namespace_()));
  if (spec.type() == "ExternalName") {
    out->kind = Kind::kExternalName;
    // An address is no name; there is no record for it.
    if (!parse_ip(spec.external_name())) out->external_name = Name::from_text(spec.external_name());
    return out;
  }
  if (spec.cluster_ip() == "None") out->kind = Kind::kHeadless;
  for (core_v1::ServicePort port : spec.ports()) {
    Port facts = port_of(port.name(), port.protocol(), port.port());
    if (facts.number != 0) out->ports.push_back(std::move(facts));
  }
  EndpointCollector collector(*out);
  for (const ObjectPtr& slice : slices) collector.add(*slice);
  for (uint32_t i = 0; i < out->endpoints.size(); ++i) {
    out->by_host.emplace(out->endpoints[i].host, i);
  }
  if (!out->headless()) add_cluster_ips(spec, *out);
  return out;
}

}  // namespace tiphys::dns
