// The proxy's metrics, by upstream's names (v1.35: with the family as a label). Thread-safe. A mode
// has no series of the other one's.
#pragma once
#include "base/metrics.h"
#include "base/time.h"
#include "proxy/address.h"

namespace tiphys::proxy {

struct ProxyMetrics {
  explicit ProxyMetrics(MetricRegistry& registry);

  MetricFamily<Histogram>& sync_duration;
  MetricFamily<Histogram>& sync_full_duration;
  MetricFamily<Histogram>& sync_partial_duration;
  MetricFamily<Gauge>& last_sync;
  MetricFamily<Gauge>& last_queued;
  MetricFamily<Histogram>& network_programming;
  MetricFamily<Gauge>& endpoint_changes_pending;
  MetricFamily<Counter>& endpoint_changes;
  MetricFamily<Gauge>& service_changes_pending;
  MetricFamily<Counter>& service_changes;
  MetricFamily<Counter>& nftables_failures;
  MetricFamily<Counter>& iptables_failures;
  MetricFamily<Counter>& iptables_partial_failures;
  MetricFamily<Gauge>& iptables_rules;       // ip_family, table
  MetricFamily<Gauge>& iptables_rules_last;  // ip_family, table
  MetricFamily<Gauge>& no_local_endpoints;   // ip_family, traffic_policy
  MetricFamily<Histogram>& conntrack_duration;
  MetricFamily<Counter>& conntrack_deleted;
  MetricFamily<Counter>& healthz;  // code
  MetricFamily<Counter>& livez;    // code
};

// The label's value: "IPv4" or "IPv6".
std::string_view family_name(Family family);
// Of a moment, or a span, as metrics have it.
inline double in_seconds(MicroTime time) {
  return static_cast<double>(time) / static_cast<double>(kMicrosPerSecond);
}

}  // namespace tiphys::proxy
