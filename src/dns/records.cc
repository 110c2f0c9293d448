#include "dns/records.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::dns {

namespace {

using What = Match::What;

bool has_protocol(const ServiceRecords& service, std::string_view protocol) {
  auto same = [&](const Port& port) { return port.protocol == protocol; };
  if (!service.headless()) return std::ranges::any_of(service.ports, same);
  return std::ranges::any_of(service.endpoint_ports, same, &ServiceRecords::EndpointPort::port);
}

bool has_port(const ServiceRecords& service, std::string_view name, std::string_view protocol) {
  if (name.empty()) return false;
  auto same = [&](const Port& port) { return port.name == name && port.protocol == protocol; };
  if (!service.headless()) return std::ranges::any_of(service.ports, same);
  return std::ranges::any_of(service.endpoint_ports, same, &ServiceRecords::EndpointPort::port);
}

std::optional<int> hex_digit(std::string_view label) {
  if (label.size() != 1) return std::nullopt;
  char c = label[0];
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

std::optional<int> decimal_octet(std::string_view label) {
  if (label.size() > 1 && label[0] == '0') return std::nullopt;
  std::optional<uint64_t> value = parse_uint(label);
  if (!value || *value > 255) return std::nullopt;
  return static_cast<int>(*value);
}

}  // namespace

void Records::set(std::unique_ptr<ServiceRecords> records) {
  erase(records->key);
  index(*records);
  std::string key = records->key;
  services_.emplace(std::move(key), std::move(records));
}

void Records::erase(std::string_view key) {
  auto found = services_.find(key);
  if (found == services_.end()) return;
  unindex(*found->second);
  services_.erase(found);
}

void Records::index(const ServiceRecords& service) {
  if (service.kind == ServiceRecords::Kind::kClusterIp) {
    for (const IpAddress& address : service.addresses) {
      std::vector<Holder>& list = holders_[address];
      list.insert(list.begin(), Holder{&service, std::nullopt});
    }
  }
  for (uint32_t i = 0; i < service.endpoints.size(); ++i) {
    holders_[service.endpoints[i].address].push_back({&service, i});
  }
}

void Records::unindex(const ServiceRecords& service) {
  for (const IpAddress& address : service.addresses) unindex(service, address);
  for (const Endpoint& endpoint : service.endpoints) unindex(service, endpoint.address);
}

void Records::unindex(const ServiceRecords& service, const IpAddress& address) {
  auto found = holders_.find(address);
  if (found == holders_.end()) return;
  std::erase_if(found->second, [&](const Holder& h) { return h.service == &service; });
  if (found->second.empty()) holders_.erase(found);
}

const ServiceRecords* Records::service(std::string_view key) const {
  auto found = services_.find(key);
  return found == services_.end() ? nullptr : found->second.get();
}

const std::vector<Records::Holder>* Records::holders(const IpAddress& address) const {
  auto found = holders_.find(address);
  return found == holders_.end() ? nullptr : &found->second;
}

Match Records::find(const Name& name) const {
  size_t labels = name.label_count() - zone_.label_count();
  if (labels == 0) return {.what = What::kApex};
  std::string_view kind = name.label(labels - 1);
  if (labels == 1 && kind == "dns-version") return {.what = What::kVersion};
  if (kind == "dns") {
    if (labels == 1) return {.what = What::kEmpty};
    return {.what = labels == 2 && name.label(0) == "ns" ? What::kServer : What::kNothing};
  }
  bool pods = kind == "pod";
  if (!pods && kind != "svc") return {};
  if (labels == 1) return {.what = What::kEmpty};
  std::string_view ns = name.label(labels - 2);
  if (labels == 2 || pods) {
    if (!namespaces_.contains(ns) || labels > 3) return {};
    if (labels == 2) return {.what = What::kEmpty};
    std::optional<IpAddress> address = dashed_address(name.label(0));
    if (!address) return {};
    return {.what = What::kPod, .pod = *address};
  }
  // "name.namespace", on the stack: two labels and a dot.
  char key[2 * kMaxLabelBytes + 1];
  std::string_view service_name = name.label(labels - 3);
  char* end = std::ranges::copy(service_name, key).out;
  *end++ = '.';
  end = std::ranges::copy(ns, end).out;
  const ServiceRecords* found = service({key, end});
  return found ? find_below_service(name, labels - 3, *found) : Match{};
}

// `labels`: those to the left of the Service's name.
Match Records::find_below_service(const Name& name, size_t labels,
                                  const ServiceRecords& service) const {
  bool external = service.kind == ServiceRecords::Kind::kExternalName;
  if (labels == 0) {
    // Without an endpoint a headless Service has no name (specification, 2.4.1).
    bool nothing = external ? !service.external_name : service.addresses.empty();
    return nothing ? Match{} : Match{.what = What::kService, .service = &service};
  }
  if (external || labels > 2) return {};
  std::string_view right = name.label(labels - 1);
  bool underscore = right.starts_with('_');
  if (labels == 1) {
    if (service.by_host.contains(right)) {
      return {.what = What::kEndpoint, .service = &service, .host = right};
    }
    if (underscore && has_protocol(service, right.substr(1))) return {.what = What::kEmpty};
    return {};
  }
  std::string_view left = name.label(0);
  if (!underscore || !left.starts_with('_')) return {};
  if (!has_port(service, left.substr(1), right.substr(1))) return {};
  return {.what = What::kPort,
          .service = &service,
          .port = left.substr(1),
          .protocol = right.substr(1)};
}

std::optional<IpAddress> dashed_address(std::string_view label) {
  bool v4 = std::ranges::count(label, '-') == 3 && label.find("--") == std::string_view::npos;
  std::string text(label);
  std::ranges::replace(text, '-', v4 ? '.' : ':');
  return parse_ip(text);
}

std::string dashed(const IpAddress& address) {
  std::string text = canonical_text(address);
  std::ranges::replace(text, address.v6 ? ':' : '.', '-');
  return text;
}

std::optional<ReverseName> reverse_name(const Name& name) {
  static const Name kV4 = *Name::from_text("in-addr.arpa");
  static const Name kV6 = *Name::from_text("ip6.arpa");
  bool v6 = name.is_below_or_at(kV6);
  if (!v6 && !name.is_below_or_at(kV4)) return std::nullopt;
  size_t parts = name.label_count() - 2;
  if (parts > (v6 ? 32U : 4U)) return std::nullopt;
  ReverseName out;
  out.prefix.address.v6 = v6;
  out.prefix.bits = static_cast<int>(parts) * (v6 ? 4 : 8);
  for (size_t i = 0; i < parts; ++i) {
    std::string_view label = name.label(parts - 1 - i);
    std::optional<int> value = v6 ? hex_digit(label) : decimal_octet(label);
    if (!value) return std::nullopt;
    uint8_t& byte = out.prefix.address.bytes[v6 ? i / 2 : i];
    byte = static_cast<uint8_t>(v6 && i % 2 == 0 ? *value << 4 : byte | *value);
  }
  return out;
}

}  // namespace tiphys::dns
