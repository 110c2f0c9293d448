// Services as tests, fuzzers and benches of messages need them: web (ClusterIP) and pets (headless,
// one endpoint in two of IPv6), both in default. Test only.
#pragma once
#include <memory>
#include <string>

#include "dns/records.h"

namespace tiphys::dns {

inline std::unique_ptr<ServiceRecords> sample_service(const std::string& name,
                                                      ServiceRecords::Kind kind,
                                                      uint32_t endpoints) {
  auto out = std::make_unique<ServiceRecords>();
  out->kind = kind;
  out->key = name + ".default";
  append_label(out->wire, name);
  append_label(out->wire, "default");
  out->ports = {{"http", "tcp", 80}};
  if (kind == ServiceRecords::Kind::kClusterIp) out->addresses = {*parse_ip("10.3.0.1")};
  for (uint32_t i = 0; i < endpoints; ++i) {
    IpAddress address{.bytes = {10, 0, 0, static_cast<uint8_t>(i)}, .v6 = i % 2 == 1};
    if (kind == ServiceRecords::Kind::kHeadless) out->addresses.push_back(address);
    out->endpoints.push_back({address, "host-" + std::to_string(i)});
  }
  out->endpoint_ports = {{.port = {"http", "tcp", 80}, .targets = {}}};
  for (uint32_t i = 0; i < endpoints; ++i) {
    out->endpoint_ports[0].targets.push_back({i, 8080});
    out->by_host.emplace(out->endpoints[i].host, i);
  }
  return out;
}

inline void add_samples(Records& records, uint32_t endpoints) {
  records.add_namespace("default");
  records.set(sample_service("web", ServiceRecords::Kind::kClusterIp, endpoints));
  records.set(sample_service("pets", ServiceRecords::Kind::kHeadless, endpoints));
}

}  // namespace tiphys::dns
