#include "dns/metrics.h"

#include <algorithm>

namespace tiphys::dns {

namespace {

struct TypeName {
  uint16_t type;
  std::string_view name;
};
constexpr TypeName kTypeNames[] = {{kTypeA, "A"},     {kTypeAaaa, "AAAA"},   {kTypeMx, "MX"},
                                   {kTypeSoa, "SOA"}, {kTypeCname, "CNAME"}, {kTypePtr, "PTR"},
                                   {kTypeTxt, "TXT"}, {kTypeNs, "NS"},       {kTypeSrv, "SRV"},
                                   {kTypeAny, "ANY"}, {65, "HTTPS"},         {0, "other"}};

constexpr std::string_view kRcodeNames[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                            "NXDOMAIN", "NOTIMP",  "REFUSED"};
constexpr std::string_view kServer = "dns://:53";
constexpr std::string_view kZone = ".";
constexpr std::string_view kView = "";

std::string_view protocol(Transport transport) {
  return transport == Transport::kUdp ? "udp" : "tcp";
}

// Seconds from 0.25 ms on, doubled, as CoreDNS'.
std::vector<double> time_buckets() {
  std::vector<double> out;
  for (double at = 0.00025; out.size() < 16; at *= 2) out.push_back(at);
  return out;
}

std::vector<double> size_buckets() {
  return {0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3};
}

double seconds(Duration took) { return std::chrono::duration<double>(took).count(); }

}  // namespace

std::string_view rcode_text(uint16_t rcode) {
  if (rcode < std::size(kRcodeNames)) return kRcodeNames[rcode];
  return rcode == kBadVers ? "BADVERS" : "other";
}

Metrics::Metrics()
    : requests_(registry_.counter("coredns_dns_requests_total",
                                  "Counter of DNS requests made per zone, protocol and family.",
                                  {"server", "zone", "view", "proto", "family", "type"})),
      responses_(registry_.counter("coredns_dns_responses_total",
                                   "Counter of response status codes.",
                                   {"server", "zone", "view", "rcode", "plugin"})),
      upstream_(registry_.histogram("coredns_proxy_request_duration_seconds",
                                    "Histogram of the time each request took.",
                                    {"proxy_name", "to", "rcode"}, time_buckets())) {
  const std::vector<std::string> by_transport = {"server", "zone", "view", "proto"};
  auto& in = registry_.histogram("coredns_dns_request_size_bytes",
                                 "Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone "
                                 "and protocol.",
                                 by_transport, size_buckets());
  auto& out =
      registry_.histogram("coredns_dns_response_size_bytes",
                          "Size of the returned response in bytes.", by_transport, size_buckets());
  for (Transport transport : {Transport::kUdp, Transport::kTcp}) {
    auto at = static_cast<size_t>(transport);
    request_bytes_[at] = &in.with({kServer, kZone, kView, protocol(transport)});
    response_bytes_[at] = &out.with({kServer, kZone, kView, protocol(transport)});
  }
  duration_ = &registry_
                   .histogram("coredns_dns_request_duration_seconds",
                              "Histogram of the time (in seconds) each request took per zone.",
                              {"server", "zone", "view"}, time_buckets())
                   .with({kServer, kZone, kView});
  const std::vector<std::string> of_cache = {"server", "zones", "view"};
  const std::vector<std::string> of_kind = {"server", "type", "zones", "view"};
  auto& hits = registry_.counter("coredns_cache_hits_total", "The count of cache hits.", of_kind);
  hits_[0] = &hits.with({kServer, "success", kZone, kView});
  hits_[1] = &hits.with({kServer, "denial", kZone, kView});
  misses_ = &registry_.counter("coredns_cache_misses_total", "The count of cache misses.", of_cache)
                 .with({kServer, kZone, kView});
  cache_requests_ =
      &registry_.counter("coredns_cache_requests_total", "The count of cache requests.", of_cache)
           .with({kServer, kZone, kView});
  entries_ =
      &registry_.gauge("coredns_cache_entries", "The number of elements in the cache.", of_kind)
           .with({kServer, "success", kZone, kView});
  rejects_ = &registry_
                  .counter("coredns_forward_max_concurrent_rejects_total",
                           "Counter of the number of queries rejected because the concurrent "
                           "queries were at maximum.")
                  .get();
  broken_ = &registry_
                 .counter("coredns_forward_healthcheck_broken_total",
                          "Counter of the number of complete failures of the healthchecks.")
                 .get();
}

void Metrics::request(Transport transport, bool v6, uint16_t type, size_t bytes) {
  size_t kind = 0;
  while (kind + 1 < kTypes && kTypeNames[kind].type != type) ++kind;
  size_t at = (static_cast<size_t>(transport) * 2 + (v6 ? 1 : 0)) * kTypes + kind;
  Counter*& counter = request_counters_[at];
  if (counter == nullptr) {
    counter = &requests_.with(
        {kServer, kZone, kView, protocol(transport), v6 ? "2" : "1", kTypeNames[kind].name});
  }
  counter->add();
  request_bytes_[static_cast<size_t>(transport)]->observe(static_cast<double>(bytes));
}

void Metrics::response(uint16_t rcode, bool forwarded, Transport transport, size_t bytes,
                       Duration took) {
  size_t code = std::min<size_t>(rcode, kRcodes - 1);
  Counter*& counter = response_counters_[(forwarded ? kRcodes : 0) + code];
  if (counter == nullptr) {
    counter = &responses_.with(
        {kServer, kZone, kView, rcode_text(rcode), forwarded ? "forward" : "kubernetes"});
  }
  counter->add();
  response_bytes_[static_cast<size_t>(transport)]->observe(static_cast<double>(bytes));
  duration_->observe(seconds(took));
}

void Metrics::cache(bool hit, bool negative) {
  cache_requests_->add();
  if (hit) {
    hits_[negative ? 1 : 0]->add();
  } else {
    misses_->add();
  }
}

void Metrics::forwarded(const std::string& to, std::string_view rcode, Duration took) {
  upstream_.with({"forward", to, rcode}).observe(seconds(took));
}

}  // namespace tiphys::dns
