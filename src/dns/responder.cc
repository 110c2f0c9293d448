#include "dns/responder.h"

#include <algorithm>

namespace tiphys::dns {

namespace {

using Outcome = Responder::Outcome;
using What = Match::What;

constexpr uint32_t kRefresh = 7200;
constexpr uint32_t kRetry = 1800;
constexpr uint32_t kExpire = 86400;
constexpr uint32_t kNegativeTtl = kRecordTtl;
constexpr size_t kSrvFixedBytes = 6;    // priority, weight, port
constexpr uint16_t kWholeWeight = 100;  // shared by the records of an answer, as CoreDNS does

void append32(std::string& out, uint32_t value) {
  uint8_t bytes[4];
  write32(bytes, value);
  out.append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

struct SrvData {
  uint8_t bytes[kSrvFixedBytes];
  SrvData(size_t records, uint16_t port) {
    write16(bytes, 0);
    write16(bytes + 2, static_cast<uint16_t>(std::max<size_t>(kWholeWeight / records, 1)));
    write16(bytes + 4, port);
  }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes), sizeof bytes}; }
};

std::string zone_name(bool v6) {
  return std::string(Name::from_text(v6 ? "ip6.arpa" : "in-addr.arpa")->wire());
}

bool holds(const std::vector<IpPrefix>& ranges, const IpPrefix& part) {
  return std::ranges::any_of(ranges, [&](const IpPrefix& range) {
    return range.bits <= part.bits && contains(range, part.address);
  });
}

}  // namespace

Responder::Responder(const Records& records) : records_(records) {
  std::string zone(records.zone().wire());
  append_label(soa_, "ns");
  append_label(soa_, "dns");
  soa_ += zone;
  append_label(soa_, "hostmaster");
  soa_ += zone;
  serial_offset_ = soa_.size();
  for (uint32_t value : {1U, kRefresh, kRetry, kExpire, kNegativeTtl}) append32(soa_, value);
}

void Responder::set_serial(uint32_t serial) {
  write32(reinterpret_cast<uint8_t*>(soa_.data()) + serial_offset_, serial);
}

Responder::Answer Responder::respond(const Query& query, AnswerWriter& out) {
  if (query.klass != kClassIn || query.type == kTypeAxfr || query.type == kTypeIxfr) {
    return {.rcode = kRefused};
  }
  if (query.name.is_below_or_at(records_.zone())) return answer_cluster(query, out);
  std::optional<Answer> reverse = answer_reverse(query, out);
  return reverse ? *reverse : Answer{.outcome = Outcome::kForward};
}

// Follows aliases as long as they stay in the cluster.
Responder::Answer Responder::answer_cluster(const Query& query, AnswerWriter& out) {
  out.set_authoritative();
  Step step{query, out, query.name, std::string(AnswerWriter::question().view())};
  for (int aliases = 0; aliases <= kMaxAliases; ++aliases) {
    Match match = records_.find(step.name);
    bool alias = match.what == What::kService && match.service->external_name;
    if (!alias) {
      size_t before = out.answers();
      write_match(step, match);
      Rcode rcode = match.what == What::kNothing ? kNxDomain : kNoError;
      return finish(step, records_.zone().wire(), rcode, before);
    }
    const Name& target = *match.service->external_name;
    size_t data = out.add(Section::kAnswer, step.owner, kTypeCname, kRecordTtl, target.wire());
    if (data == 0 || query.type == kTypeCname) return {};
    if (!target.is_below_or_at(records_.zone())) {
      return {.outcome = Outcome::kAlias, .target = target};
    }
    step.name = target;
    step.owner = AnswerWriter::to(data).view();
  }
  return {.rcode = kServFail};
}

// Where nothing was answered, the zone's SOA says how long that may be believed.
Responder::Answer Responder::finish(Step& step, std::string_view zone, Rcode rcode,
                                    size_t answers_before) {
  if (step.out.answers() > answers_before || step.out.truncated()) return {.rcode = rcode};
  std::string_view owner = zone;
  size_t labels = step.name.label_count();
  size_t at = 0;
  while (at < labels && step.name.wire_from(at) != zone) ++at;
  Pointer pointer = AnswerWriter::question(step.name.offset_of(at));
  if (step.name == step.query.name && at < labels) owner = pointer.view();
  step.out.add(Section::kAuthority, owner, kTypeSoa, kNegativeTtl, soa_);
  return {.rcode = rcode};
}

void Responder::write_match(Step& step, const Match& match) {
  switch (match.what) {
    case What::kNothing:
    case What::kEmpty:
      return;
    case What::kApex:
      return write_apex(step);
    case What::kVersion:
      if (step.query.type != kTypeTxt) return;
      step.out.add(Section::kAnswer, step.owner, kTypeTxt, kVersionTtl,
                   std::string(1, static_cast<char>(kSchemaVersion.size())), kSchemaVersion);
      return;
    case What::kServer:
      if (const ServiceRecords* dns = records_.service(kDnsService)) {
        write_addresses(step, dns->addresses, false);
      }
      return;
    case What::kPod:
      return write_addresses(step, {match.pod}, false);
    case What::kService:
      return write_service(step, *match.service);
    case What::kEndpoint:
      return write_endpoint(step, match);
    case What::kPort:
      return write_port(step, match);
  }
}

void Responder::write_apex(Step& step) {
  if (step.query.type == kTypeSoa) {
    step.out.add(Section::kAnswer, step.owner, kTypeSoa, kRecordTtl, soa_);
  }
  if (step.query.type != kTypeNs) return;
  std::string server;
  append_label(server, "ns");
  append_label(server, "dns");
  server += records_.zone().wire();
  size_t data = step.out.add(Section::kAnswer, step.owner, kTypeNs, kRecordTtl, server);
  const ServiceRecords* dns = records_.service(kDnsService);
  if (data == 0 || dns == nullptr) return;
  for (const IpAddress& address : dns->addresses) {
    step.out.add_address(Section::kAdditional, AnswerWriter::to(data).view(), kRecordTtl, address);
  }
}

// Rotated by the query's id, so that clients that take the first one are spread.
void Responder::write_addresses(Step& step, const std::vector<IpAddress>& addresses, bool rotate) {
  size_t count = addresses.size();
  size_t first = rotate && count > 1 ? step.query.id % count : 0;
  for (size_t i = 0; i < count && !step.out.truncated(); ++i) {
    const IpAddress& address = addresses[first + i < count ? first + i : first + i - count];
    if (!wants(step, address)) continue;
    step.out.add_address(Section::kAnswer, step.owner, kRecordTtl, address);
  }
}

void Responder::write_service(Step& step, const ServiceRecords& service) {
  if (step.query.type != kTypeSrv) {
    return write_addresses(step, service.addresses, service.headless());
  }
  if (!service.headless()) {
    std::vector<const Port*> ports;
    for (const Port& port : service.ports) ports.push_back(&port);
    return write_service_srv(step, service, ports);
  }
  std::vector<ServiceRecords::PortTarget> targets;
  for (const ServiceRecords::EndpointPort& port : service.endpoint_ports) {
    targets.insert(targets.end(), port.targets.begin(), port.targets.end());
  }
  write_endpoint_srv(step, service, std::move(targets));
}

void Responder::write_endpoint(Step& step, const Match& match) {
  const ServiceRecords& service = *match.service;
  auto [first, last] = service.by_host.equal_range(match.host);
  if (step.query.type != kTypeSrv) {
    std::vector<IpAddress> addresses;
    for (auto at = first; at != last; ++at) {
      addresses.push_back(service.endpoints[at->second].address);
    }
    return write_addresses(step, addresses, true);
  }
  std::vector<ServiceRecords::PortTarget> targets;
  for (const ServiceRecords::EndpointPort& port : service.endpoint_ports) {
    for (const ServiceRecords::PortTarget& target : port.targets) {
      if (service.endpoints[target.endpoint].host == match.host) targets.push_back(target);
    }
  }
  write_endpoint_srv(step, service, std::move(targets));
}

void Responder::write_port(Step& step, const Match& match) {
  const ServiceRecords& service = *match.service;
  auto same = [&](const Port& port) {
    return port.name == match.port && port.protocol == match.protocol;
  };
  bool srv = step.query.type == kTypeSrv;
  if (!service.headless()) {
    if (!srv) return write_addresses(step, service.addresses, false);
    auto found = std::ranges::find_if(service.ports, same);
    return write_service_srv(step, service, {&*found});
  }
  auto found =
      std::ranges::find_if(service.endpoint_ports, same, &ServiceRecords::EndpointPort::port);
  if (srv) return write_endpoint_srv(step, service, found->targets);
  std::vector<IpAddress> addresses;
  for (const ServiceRecords::PortTarget& target : found->targets) {
    addresses.push_back(service.endpoints[target.endpoint].address);
  }
  write_addresses(step, addresses, true);
}

void Responder::write_service_srv(Step& step, const ServiceRecords& service,
                                  const std::vector<const Port*>& ports) {
  std::string target = target_name(service, "");
  if (target.empty()) return;
  size_t written = 0;
  for (const Port* port : ports) {
    SrvData data(ports.size(), port->number);
    size_t at =
        step.out.add(Section::kAnswer, step.owner, kTypeSrv, kRecordTtl, data.view(), target);
    if (at == 0) return;
    if (written == 0) written = at + kSrvFixedBytes;
  }
  if (written == 0 || !AnswerWriter::can_point_to(written)) return;
  for (const IpAddress& address : service.addresses) {
    step.out.add_address(Section::kAdditional, AnswerWriter::to(written).view(), kRecordTtl,
                         address);
  }
}

void Responder::write_endpoint_srv(Step& step, const ServiceRecords& service,
                                   std::vector<ServiceRecords::PortTarget> targets) {
  if (targets.empty()) return;
  size_t count = targets.size();
  std::rotate(targets.begin(), targets.begin() + static_cast<ptrdiff_t>(step.query.id % count),
              targets.end());
  std::vector<std::pair<size_t, const IpAddress*>> written;  // where a target's name stands
  for (const ServiceRecords::PortTarget& target : targets) {
    const Endpoint& endpoint = service.endpoints[target.endpoint];
    std::string name = target_name(service, endpoint.host);
    if (name.empty()) continue;
    SrvData data(count, target.port);
    size_t at = step.out.add(Section::kAnswer, step.owner, kTypeSrv, kRecordTtl, data.view(), name);
    if (at == 0) return;
    written.emplace_back(at + kSrvFixedBytes, &endpoint.address);
  }
  for (auto [place, address] : written) {
    if (!AnswerWriter::can_point_to(place)) return;
    size_t added = step.out.add_address(Section::kAdditional, AnswerWriter::to(place).view(),
                                        kRecordTtl, *address);
    if (added == 0) return;
  }
}

std::string Responder::target_name(const ServiceRecords& service, std::string_view host) const {
  std::string out;
  if (!host.empty()) append_label(out, host);
  out += service.wire;
  append_label(out, "svc");
  out += records_.zone().wire();
  return out.size() <= kMaxNameBytes ? out : "";
}

std::optional<Responder::Answer> Responder::answer_reverse(const Query& query, AnswerWriter& out) {
  std::optional<ReverseName> reverse = reverse_name(query.name);
  if (!reverse) return std::nullopt;
  const std::vector<Records::Holder>* holders =
      reverse->whole() ? records_.holders(reverse->prefix.address) : nullptr;
  bool ours = holders || holds(ranges_, reverse->prefix);
  if (!ours) return std::nullopt;
  out.set_authoritative();
  Step step{query, out, query.name, std::string(AnswerWriter::question().view())};
  std::string zone = zone_name(reverse->prefix.address.v6);
  if (!holders) return finish(step, zone, reverse->whole() ? kNxDomain : kNoError, 0);
  for (const Records::Holder& holder : *holders) {
    if (query.type != kTypePtr) break;
    std::string_view host;
    if (holder.endpoint) host = holder.service->endpoints[*holder.endpoint].host;
    std::string target = target_name(*holder.service, host);
    if (!target.empty()) out.add(Section::kAnswer, step.owner, kTypePtr, kRecordTtl, target);
    if (!holder.endpoint) break;  // the Service's own address says it all
  }
  return finish(step, zone, kNoError, 0);
}

}  // namespace tiphys::dns
