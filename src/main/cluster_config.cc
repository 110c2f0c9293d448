#include "main/cluster_config.h"

#include <algorithm>

#include "apiserver/validation/names.h"
#include "base/strings.h"
#include "codec/codec.h"
#include "kinds/ip_address.h"
#include "main/command.h"

namespace tiphys {
namespace {

ApiStatus invalid(std::string_view field, std::string_view value, const std::string& why) {
  return ApiStatus::bad_request(std::string(field) + ": Invalid value: " + go_quote(value) + ": " +
                                why);
}

// Group and kind; of any version, as only few fields are read, which every version has.
Result<void> check_kind(const Value& document, std::string_view group, std::string_view kind) {
  std::string_view version = document.as_node().find("apiVersion").as_text();
  bool of_group = version.starts_with(group) && version.substr(group.size()).starts_with("/");
  if (of_group && document.as_node().find("kind").as_text() == kind) return {};
  return ApiStatus::bad_request("it is no " + std::string(kind) + " of " + std::string(group));
}

Result<Value> parse_document(std::string_view yaml, Arena& arena) {
  TIPHYS_TRY(std::string, json, codec::yaml_to_json(yaml));
  TIPHYS_TRY(Value, root, codec::decode_json_any(json, arena));
  if (root.type != ValueType::kMap) return ApiStatus::bad_request("it is no object");
  return root;
}

Result<std::string> read_text(const Value& map, std::string_view key, std::string_view field) {
  const Value& value = map.as_node().find(key);
  if (value.is_null() || value.is_text()) return std::string(value.as_text());
  return ApiStatus::bad_request(std::string(field) + ": must be a string");
}

Result<std::string> read_ranges(const Value& map, std::string_view key, std::string_view field) {
  TIPHYS_TRY(std::string, text, read_text(map, key, field));
  if (text.empty()) return text;
  std::vector<std::string> ranges;
  size_t wide = 0;
  for (std::string_view part : split(text, ',')) {
    std::optional<IpPrefix> range = parse_cidr(trim(part));
    if (!range) return invalid(field, text, "must be a CIDR, or one of each IP family");
    wide += range->address.v6 ? 1 : 0;
    ranges.emplace_back(trim(part));
  }
  if (ranges.size() > 2 || (ranges.size() == 2 && wide != 1)) {
    return invalid(field, text, "must be a CIDR, or one of each IP family");
  }
  return join(ranges, ",");
}

Result<std::string> read_domain(const Value& map, std::string_view key, std::string_view field) {
  TIPHYS_TRY(std::string, text, read_text(map, key, field));
  if (text.empty()) return text;
  auto problems = apiserver::check_dns1123_subdomain(text);
  if (!problems.empty()) return invalid(field, text, problems.front());
  return text;
}

Result<std::vector<std::string>> read_dns(const Value& document) {
  const Value& list = document.as_node().find("clusterDNS");
  std::vector<std::string> servers;
  if (list.is_null()) return servers;
  if (list.type != ValueType::kList) return ApiStatus::bad_request("clusterDNS: must be a list");
  for (const Value& one : list.as_node().items()) {
    std::string field = "clusterDNS[" + std::to_string(servers.size()) + "]";
    if (servers.size() == kMaxClusterDns) {
      return ApiStatus::bad_request("clusterDNS: must have at most " +
                                    std::to_string(kMaxClusterDns) + " items");
    }
    std::optional<IpAddress> address = parse_ip(one.as_text());
    if (!address) return invalid(field, one.as_text(), "must be a valid IP address");
    servers.push_back(canonical_text(*address));
  }
  return servers;
}

std::string line(std::string_view indent, std::string_view key, const std::string& value) {
  if (value.empty()) return "";
  return std::string(indent) + std::string(key) + ": " + go_quote(value) + "\n";
}

}  // namespace

void ClusterConfig::complete_with(const ClusterConfig& other) {
  if (pod_subnet.empty()) pod_subnet = other.pod_subnet;
  if (service_subnet.empty()) service_subnet = other.service_subnet;
  if (cluster_domain.empty()) cluster_domain = other.cluster_domain;
  if (cluster_dns.empty()) cluster_dns = other.cluster_dns;
}

std::string cluster_configuration_yaml(const ClusterConfig& config) {
  std::string version(kVersion.substr(0, kVersion.find('+')));
  return "apiVersion: kubeadm.k8s.io/v1beta4\nclusterName: kubernetes\n"
         "kind: ClusterConfiguration\nkubernetesVersion: " +
         version + "\nnetworking:\n" + line("  ", "dnsDomain", config.cluster_domain) +
         line("  ", "podSubnet", config.pod_subnet) +
         line("  ", "serviceSubnet", config.service_subnet);
}

std::string kubelet_configuration_yaml(const ClusterConfig& config) {
  std::string servers;
  for (const std::string& one : config.cluster_dns) servers += "- " + go_quote(one) + "\n";
  return "apiVersion: kubelet.config.k8s.io/v1beta1\n" +
         (servers.empty() ? "" : "clusterDNS:\n" + servers) +
         line("", "clusterDomain", config.cluster_domain) + "kind: KubeletConfiguration\n";
}

Result<void> read_cluster_configuration(std::string_view yaml, ClusterConfig& config) {
  Arena arena;
  TIPHYS_TRY(Value, root, parse_document(yaml, arena));
  Result<void> right = check_kind(root, "kubeadm.k8s.io", "ClusterConfiguration");
  if (!right) return right;
  const Value& networking = root.as_node().find("networking");
  if (!networking.is_null() && networking.type != ValueType::kMap) {
    return ApiStatus::bad_request("networking: must be an object");
  }
  ClusterConfig told;
  TIPHYS_TRY(std::string, pods, read_ranges(networking, "podSubnet", "networking.podSubnet"));
  TIPHYS_TRY(std::string, services,
             read_ranges(networking, "serviceSubnet", "networking.serviceSubnet"));
  TIPHYS_TRY(std::string, domain, read_domain(networking, "dnsDomain", "networking.dnsDomain"));
  told.pod_subnet = std::move(pods);
  told.service_subnet = std::move(services);
  told.cluster_domain = std::move(domain);
  config.complete_with(told);
  return {};
}

Result<void> read_kubelet_configuration(std::string_view yaml, ClusterConfig& config) {
  Arena arena;
  TIPHYS_TRY(Value, root, parse_document(yaml, arena));
  Result<void> right = check_kind(root, "kubelet.config.k8s.io", "KubeletConfiguration");
  if (!right) return right;
  ClusterConfig told;
  TIPHYS_TRY(std::vector<std::string>, servers, read_dns(root));
  TIPHYS_TRY(std::string, domain, read_domain(root, "clusterDomain", "clusterDomain"));
  told.cluster_dns = std::move(servers);
  told.cluster_domain = std::move(domain);
  config.complete_with(told);
  return {};
}

}  // namespace tiphys
