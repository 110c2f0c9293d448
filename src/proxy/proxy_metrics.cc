#include "proxy/proxy_metrics.h"

namespace tiphys::proxy {
namespace {

using Labels = std::vector<std::string>;
using Bounds = std::vector<double>;

const Labels kFamily = {"ip_family"};

Bounds sync_bounds() {
  Bounds bounds;
  for (double bound = 0.001; bounds.size() < 15; bound *= 2) bounds.push_back(bound);
  return bounds;
}

// Seconds: every one of the first minute, then coarser and coarser up to five minutes.
Bounds programming_bounds() {
  Bounds bounds = {0.25, 0.5};
  for (int second = 1; second < 60; ++second) bounds.push_back(second);
  for (int second = 60; second < 120; second += 5) bounds.push_back(second);
  for (int second = 120; second <= 300; second += 30) bounds.push_back(second);
  return bounds;
}

}  // namespace

ProxyMetrics::ProxyMetrics(MetricRegistry& r)
    : sync_duration(r.histogram("kubeproxy_sync_proxy_rules_duration_seconds",
                                "SyncProxyRules latency in seconds", kFamily, sync_bounds())),
      sync_full_duration(r.histogram("kubeproxy_sync_full_proxy_rules_duration_seconds",
                                     "SyncProxyRules latency in seconds for full resyncs", kFamily,
                                     sync_bounds())),
      sync_partial_duration(r.histogram("kubeproxy_sync_partial_proxy_rules_duration_seconds",
                                        "SyncProxyRules latency in seconds for partial resyncs",
                                        kFamily, sync_bounds())),
      last_sync(r.gauge("kubeproxy_sync_proxy_rules_last_timestamp_seconds",
                        "The last time proxy rules were successfully synced", kFamily)),
      last_queued(r.gauge("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
                          "The last time a sync of proxy rules was queued", kFamily)),
      network_programming(r.histogram("kubeproxy_network_programming_duration_seconds",
                                      "In Cluster Network Programming Latency in seconds", kFamily,
                                      programming_bounds())),
      endpoint_changes_pending(r.gauge("kubeproxy_sync_proxy_rules_endpoint_changes_pending",
                                       "Pending proxy rules Endpoint changes")),
      endpoint_changes(r.counter("kubeproxy_sync_proxy_rules_endpoint_changes_total",
                                 "Cumulative proxy rules Endpoint changes")),
      service_changes_pending(r.gauge("kubeproxy_sync_proxy_rules_service_changes_pending",
                                      "Pending proxy rules Service changes")),
      service_changes(r.counter("kubeproxy_sync_proxy_rules_service_changes_total",
                                "Cumulative proxy rules Service changes")),
      nftables_failures(r.counter("kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
                                  "Cumulative proxy nftables sync failures", kFamily)),
      iptables_failures(r.counter("kubeproxy_sync_proxy_rules_iptables_restore_failures_total",
                                  "Cumulative proxy iptables restore failures", kFamily)),
      iptables_partial_failures(
          r.counter("kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total",
                    "Cumulative proxy iptables partial restore failures", kFamily)),
      iptables_rules(r.gauge("kubeproxy_sync_proxy_rules_iptables_total",
                             "Total number of iptables rules owned by kube-proxy",
                             {"ip_family", "table"})),
      iptables_rules_last(r.gauge("kubeproxy_sync_proxy_rules_iptables_last",
                                  "Number of iptables rules written by kube-proxy in last sync",
                                  {"ip_family", "table"})),
      no_local_endpoints(r.gauge("kubeproxy_sync_proxy_rules_no_local_endpoints_total",
                                 "Number of services with a Local traffic policy and no endpoints",
                                 {"ip_family", "traffic_policy"})),
      conntrack_duration(r.histogram("kubeproxy_conntrack_reconciler_sync_duration_seconds",
                                     "ReconcileConntrackFlowsLatency latency in seconds", kFamily,
                                     sync_bounds())),
      conntrack_deleted(r.counter("kubeproxy_conntrack_reconciler_deleted_entries_total",
                                  "Cumulative conntrack flows deleted by conntrack reconciler",
                                  kFamily)),
      healthz(r.counter("kubeproxy_proxy_healthz_total", "Cumulative proxy healthz HTTP status",
                        {"code"})),
      livez(r.counter("kubeproxy_proxy_livez_total", "Cumulative proxy livez HTTP status",
                      {"code"})) {}

std::string_view family_name(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

}  // namespace tiphys::proxy
