#include "kubelet/pods/dns.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

constexpr size_t kMaxServers = 3;
constexpr size_t kMaxSearches = 32;
constexpr size_t kMaxSearchCharacters = 2048;
constexpr size_t kMaxDomain = 253;
constexpr size_t kMaxKernelName = 64;

void add_unique(std::vector<std::string>& list, std::string item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  for (char c : line) {
    if (c == ' ' || c == '\t' || c == '\r') {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

void merge_option(std::vector<std::string>& options, std::string_view name,
                  std::string_view value) {
  std::string text =
      value.empty() ? std::string(name) : std::string(name) + ":" + std::string(value);
  for (std::string& present : options) {
    if (present.substr(0, present.find(':')) == name) {
      present = text;
      return;
    }
  }
  options.push_back(text);
}

void limit_servers(DnsSettings& dns) {
  if (dns.servers.size() <= kMaxServers) return;
  dns.servers.resize(kMaxServers);
  dns.omitted.push_back(
      "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver "
      "line is: " +
      join(dns.servers, " "));
}

void limit_searches(DnsSettings& dns) {
  size_t before = dns.searches.size();
  if (before > kMaxSearches) dns.searches.resize(kMaxSearches);
  std::erase_if(dns.searches, [](const std::string& one) { return one.size() > kMaxDomain; });
  while (join(dns.searches, " ").size() > kMaxSearchCharacters) dns.searches.pop_back();
  if (dns.searches.size() == before) return;
  dns.omitted.push_back(
      "Search Line limits were exceeded, some search paths have been omitted, the applied search "
      "line is: " +
      join(dns.searches, " "));
}

std::string alias_lines(core_v1::Pod pod) {
  if (pod.spec().host_aliases().empty()) return {};
  std::string out = "\n# Entries added by HostAliases.\n";
  for (core_v1::HostAlias alias : pod.spec().host_aliases()) {
    out += std::string(alias.ip()) + "\t";
    const char* separator = "";
    for (std::string_view name : alias.hostnames()) {
      out += separator + std::string(name);
      separator = "\t";
    }
    out += "\n";
  }
  return out;
}

}  // namespace

DnsSettings parse_resolv_conf(std::string_view text) {
  DnsSettings out;
  for (std::string_view line : split(text, '\n')) {
    size_t comment = line.find_first_of("#;");
    std::vector<std::string> parts = words(line.substr(0, comment));
    if (parts.size() < 2) continue;
    std::vector<std::string> rest(parts.begin() + 1, parts.end());
    if (parts[0] == "nameserver") out.servers.push_back(parts[1]);
    if (parts[0] == "search" || parts[0] == "domain") out.searches = rest;
    if (parts[0] == "options") out.options.insert(out.options.end(), rest.begin(), rest.end());
  }
  std::erase(out.searches, ".");
  return out;
}

DnsSettings pod_dns(core_v1::Pod pod, const DnsSettings& host,
                    const std::vector<std::string>& cluster_dns, const std::string& domain) {
  std::string_view policy = pod.spec().dns_policy();
  bool cluster = policy == "ClusterFirstWithHostNet" ||
                 ((policy.empty() || policy == "ClusterFirst") && !pod.spec().host_network());
  DnsSettings out;
  if (cluster && !cluster_dns.empty()) {
    out.servers = cluster_dns;
    std::string ns(pod.metadata().namespace_());
    if (!domain.empty()) out.searches = {ns + ".svc." + domain, "svc." + domain, domain};
    for (const std::string& search : host.searches) add_unique(out.searches, search);
    out.options = {"ndots:5"};
  } else if (policy != "None") {
    out = host;
  }
  core_v1::PodDNSConfig extra = pod.spec().dns_config();
  for (std::string_view server : extra.nameservers()) add_unique(out.servers, std::string(server));
  for (std::string_view search : extra.searches()) add_unique(out.searches, std::string(search));
  for (core_v1::PodDNSConfigOption option : extra.options()) {
    merge_option(out.options, option.name(), option.value());
  }
  limit_servers(out);
  limit_searches(out);
  return out;
}

DnsSettings no_host_dns() { return {{"127.0.0.1"}, {"."}, {}, {}}; }

std::string pod_hostname(core_v1::Pod pod) {
  if (pod.spec().has_hostname_override()) return std::string(pod.spec().hostname_override());
  std::string name(pod.spec().hostname().empty() ? pod.metadata().name() : pod.spec().hostname());
  if (name.size() > 63) name.resize(63);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string pod_fqdn(core_v1::Pod pod, const std::string& domain) {
  if (pod.spec().subdomain().empty() || pod.spec().has_hostname_override()) return {};
  return pod_hostname(pod) + "." + std::string(pod.spec().subdomain()) + "." +
         std::string(pod.metadata().namespace_()) + ".svc." + domain;
}

Result<std::string> kernel_hostname(core_v1::Pod pod, const std::string& domain) {
  std::string fqdn = pod_fqdn(pod, domain);
  if (!pod.spec().set_hostname_as_fqdn() || fqdn.empty()) return pod_hostname(pod);
  if (fqdn.size() <= kMaxKernelName) return fqdn;
  return ApiStatus::bad_request(
      "failed to construct FQDN from pod hostname and cluster domain, FQDN " + fqdn +
      " is too long (" + std::to_string(kMaxKernelName) + " characters is the max, " +
      std::to_string(fqdn.size()) + " characters requested)");
}

std::string pod_hosts_file(core_v1::Pod pod, const std::vector<std::string>& pod_ips,
                           const std::string& domain, std::string_view host_file) {
  if (pod.spec().host_network()) {
    return "# Kubernetes-managed hosts file (host network).\n" + std::string(host_file) +
           alias_lines(pod);
  }
  std::string out =
      "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
      "ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\n"
      "fe00::2\tip6-allrouters\n";
  std::string fqdn = pod_fqdn(pod, domain);
  for (const std::string& ip : pod_ips) {
    out += ip + "\t" + (fqdn.empty() ? "" : fqdn + "\t") + pod_hostname(pod) + "\n";
  }
  return out + alias_lines(pod);
}

}  // namespace tiphys::kubelet
