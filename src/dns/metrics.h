// Metrics: what the name server counts of itself, under CoreDNS' names, so that its dashboards and
// alerts work. The families are looked up once: counting costs an addition.
//
// Loop thread only. Source: https://coredns.io/plugins/metrics, /cache, /forward.
#pragma once
#include <array>
#include <memory>

#include "base/metrics.h"
#include "base/time.h"
#include "dns/query.h"

namespace tiphys::dns {

enum class Transport : uint8_t { kUdp, kTcp };

class Metrics {
 public:
  Metrics();

  // A message of a client: what it asked (type 0: it could not be read), and over what.
  void request(Transport transport, bool v6, uint16_t type, size_t bytes);
  void response(uint16_t rcode, bool forwarded, Transport transport, size_t bytes, Duration took);
  void cache(bool hit, bool negative);
  void cache_size(size_t entries) { entries_->set(static_cast<double>(entries)); }
  void forwarded(const std::string& to, std::string_view rcode, Duration took);
  void rejected() { rejects_->add(); }
  void all_broken() { broken_->add(); }

  std::string text() const { return registry_.text(); }

 private:
  static constexpr size_t kTypes = 12;  // those of kTypeNames, and "other"
  static constexpr size_t kRcodes = 17;
  Counter& type_counter(Transport transport, bool v6, size_t type);

  MetricRegistry registry_;
  MetricFamily<Counter>& requests_;
  MetricFamily<Counter>& responses_;
  MetricFamily<Histogram>& upstream_;
  std::array<Counter*, 4 * kTypes> request_counters_{};
  std::array<Counter*, 2 * kRcodes> response_counters_{};
  std::array<Histogram*, 2> request_bytes_{};
  std::array<Histogram*, 2> response_bytes_{};
  Histogram* duration_;
  Counter* hits_[2];
  Counter* misses_;
  Counter* cache_requests_;
  Gauge* entries_;
  Counter* rejects_;
  Counter* broken_;
};

// "NOERROR", "NXDOMAIN"...
std::string_view rcode_text(uint16_t rcode);

}  // namespace tiphys::dns
