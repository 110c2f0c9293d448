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
};
// The text of a resolv.conf; lines it doesn't know are ignored.
DnsSettings parse_resolv_conf(std::string_view text);
// By the pod's dnsPolicy and dnsConfig. At most 3 servers and 32 search domains, as upstream.
DnsSettings pod_dns(core_v1::Pod pod, const DnsSettings& host,
                    const std::vector<std::string>& cluster_dns, const std::string& cluster_domain);

// spec.hostname or the pod's name, cut to 63 characters; "" for a pod in the host's network.
std::string pod_hostname(core_v1::Pod pod);
// With subdomain: "<hostname>.<subdomain>.<ns>.svc.<domain>", else "".
std::string pod_fqdn(core_v1::Pod pod, const std::string& cluster_domain);
// The kubelet-managed /etc/hosts.
std::string pod_hosts_file(core_v1::Pod pod, const std::vector<std::string>& pod_ips,
                           const std::string& cluster_domain, std::string_view host_file);

}  // namespace tiphys::kubelet
