// A pod's resolv.conf and /etc/hosts. Pure. After upstream's pkg/kubelet/network/dns.
#pragma once
#include <string>
#include <vector>

#include "kubelet/pods/model.h"

namespace tiphys::kubelet {

struct DnsSettings {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
  std::vector<std::string> omitted;  // messages of DNSConfigForming: what was over a limit
};
// The text of a resolv.conf; lines it doesn't know are ignored.
DnsSettings parse_resolv_conf(std::string_view text);
// What pods of policy Default get on a node without a resolv.conf (--resolv-conf=""): no look-ups.
DnsSettings no_host_dns();
// By the pod's dnsPolicy and dnsConfig. At most 3 servers, 32 search domains and 2,048 characters
// of them, as upstream.
DnsSettings pod_dns(core_v1::Pod pod, const DnsSettings& host,
                    const std::vector<std::string>& cluster_dns, const std::string& cluster_domain);

// spec.hostnameOverride, else spec.hostname or the pod's name, cut to 63 characters.
std::string pod_hostname(core_v1::Pod pod);
// What the kernel is told: with setHostnameAsFQDN the whole name. Error: it has over 64 characters.
Result<std::string> kernel_hostname(core_v1::Pod pod, const std::string& cluster_domain);
// With subdomain and without hostnameOverride: "<hostname>.<subdomain>.<ns>.svc.<domain>", else "".
std::string pod_fqdn(core_v1::Pod pod, const std::string& cluster_domain);
// The kubelet-managed /etc/hosts.
std::string pod_hosts_file(core_v1::Pod pod, const std::vector<std::string>& pod_ips,
                           const std::string& cluster_domain, std::string_view host_file);

}  // namespace tiphys::kubelet
