#include "main/kubelet_flags.h"

#include "base/strings.h"
#include "main/node_name.h"
#include "object/quantity.h"
#include "os/files.h"

namespace tiphys {

Result<std::map<std::string, std::string>> read_pairs(std::string_view flag,
                                                      const std::vector<std::string>& items) {
  std::map<std::string, std::string> pairs;
  for (const std::string& item : items) {
    size_t equals = item.find('=');
    if (equals == std::string::npos || equals == 0) {
      return ApiStatus::bad_request("--" + std::string(flag) +
                                    ": malformed pair, expect "
                                    "string=string: " +
                                    item);
    }
    pairs[item.substr(0, equals)] = item.substr(equals + 1);
  }
  return pairs;
}

namespace {

Result<kubelet::Options::Taint> read_taint(const std::string& text) {
  size_t colon = text.rfind(':');
  std::string effect = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (effect != "NoSchedule" && effect != "PreferNoSchedule" && effect != "NoExecute") {
    return ApiStatus::bad_request("--register-with-taints: invalid taint spec: " + text);
  }
  std::string head = text.substr(0, colon);
  size_t equals = head.find('=');
  kubelet::Options::Taint taint{.key = head.substr(0, equals), .value = "", .effect = effect};
  if (equals != std::string::npos) taint.value = head.substr(equals + 1);
  return taint;
}

}  // namespace

Result<std::vector<kubelet::Options::Taint>> read_taints(const std::vector<std::string>& items) {
  std::vector<kubelet::Options::Taint> taints;
  for (const std::string& text : items) {
    TIPHYS_TRY(kubelet::Options::Taint, taint, read_taint(text));
    taints.push_back(taint);
  }
  return taints;
}

void KubeletFlags::add_to(FlagSet& flags) {
  flags.add("node-ip", options.node_ip,
            "Address of this node (\"\": the one of the default route)");
  flags.add("node-labels", node_labels, "Labels to register the node with");
  flags.add("register-with-taints", register_with_taints, "Taints to register the node with");
  flags.add("container-runtime-endpoint", options.container_runtime_endpoint,
            "CRI socket (\"\": a containerd of our own, supervised)");
  flags.add("bridge-name", options.bridge_name, "Bridge of the pod network");
  flags.add("cluster-dns", options.cluster_dns, "Name servers that pods are given");
  flags.add("cluster-domain", options.cluster_domain, "Domain of the cluster");
  flags.add("resolv-conf", options.resolv_conf, "The host's resolver configuration");
  flags.add("cgroup-root", options.cgroup_root, "Parent of the pods' cgroups");
  flags.add("max-pods", options.max_pods, "Pods that fit on this node");
  flags.add("system-reserved", system_reserved, "Resources kept for the system, as cpu=200m,...");
  flags.add("kube-reserved", kube_reserved, "Resources kept for the node's own parts");
  add_resource_flags(flags);
}

void KubeletFlags::add_resource_flags(FlagSet& flags) {
  flags.add("pods-per-core", options.pods_per_core, "Pods that fit on a CPU (0: any)");
  flags.add("enforce-node-allocatable", options.enforce_node_allocatable,
            "Groups that are limited: pods, system-reserved, kube-reserved, none");
  flags.add("system-reserved-cgroup", options.system_reserved_cgroup,
            "The cgroup that --system-reserved limits");
  flags.add("kube-reserved-cgroup", options.kube_reserved_cgroup,
            "The cgroup that --kube-reserved limits");
  flags.add("eviction-hard", eviction_hard,
            "What is kept free and so isn't allocatable, as memory.available<100Mi,...");
  flags.add("cpu-cfs-quota", options.cpu_cfs_quota, "Enforce CPU limits");
  flags.add("cpu-cfs-quota-period", options.cpu_cfs_quota_period, "Period of CPU limits");
  flags.add("pod-max-pids", options.pod_pids_limit, "Processes of a pod (-1: any)");
  flags.add("container-log-max-size", container_log_max_size,
            "Size at which a container's log is rotated (negative: never)");
  flags.add("container-log-max-files", options.container_log_max_files, "Log files of a container");
  flags.add("container-log-monitor-interval", options.container_log_monitor_interval,
            "How often the size of logs is looked at");
}

void KubeletFlags::add_alone_to(FlagSet& flags) {
  flags.add("data-dir", options.data_dir, "Folder of the runtime, images and pods");
  flags.add("client-ca-file", client_ca_file, "CA of the callers of the kubelet's server");
  flags.add("tls-cert-file", tls_cert_file, "Serving certificate (\"\": self-signed)");
  flags.add("tls-private-key-file", tls_private_key_file, "Key of --tls-cert-file");
  flags.add("hostname-override", options.node_name, "Name of this node (\"\": the host's)");
  flags.add("root-dir", options.root_dir, "Folder of pods' state (\"\": <data-dir>/kubelet)");
  flags.add("address", options.address, "Address that the kubelet's server listens on");
  flags.add("port", port, "Port of the kubelet's server");
  flags.add("pod-cidr", options.pod_cidr, "Range of the node's pods until the API gives one");
  flags.add("cluster-cidr", options.cluster_cidr, "Range of the cluster's pods; not masqueraded");
}

Result<void> KubeletFlags::resolve_resources(kubelet::Options& resolved) const {
  Result<Quantity> size = Quantity::parse(container_log_max_size);
  if (!size) return ApiStatus::bad_request("--container-log-max-size: " + size.error().message());
  resolved.container_log_max_size = size->value();
  if (resolved.container_log_max_files <= 1) {
    return ApiStatus::bad_request("--container-log-max-files: must be > 1");
  }
  if (!eviction_hard.empty()) resolved.eviction_hard.clear();
  for (const std::string& item : eviction_hard) {
    size_t less = item.find('<');
    if (less == std::string::npos || less == 0) {
      return ApiStatus::bad_request("--eviction-hard: invalid eviction threshold: " + item);
    }
    resolved.eviction_hard[item.substr(0, less)] = item.substr(less + 1);
  }
  return {};
}

Result<kubelet::Options> KubeletFlags::resolve() const {
  kubelet::Options resolved = options;
  resolved.node_name = node_name(options.node_name);
  resolved.port = static_cast<uint16_t>(port);
  if (port < 0 || port > 65535) return ApiStatus::bad_request("--port: not a port number");
  TIPHYS_TRY(auto, labels, read_pairs("node-labels", node_labels));
  TIPHYS_TRY(auto, of_system, read_pairs("system-reserved", system_reserved));
  TIPHYS_TRY(auto, of_kube, read_pairs("kube-reserved", kube_reserved));
  resolved.node_labels = labels;
  resolved.system_reserved = of_system;
  resolved.kube_reserved = of_kube;
  Result<void> resources = resolve_resources(resolved);
  if (!resources) return resources.error();
  TIPHYS_TRY(auto, taints, read_taints(register_with_taints));
  resolved.register_with_taints = taints;
  if (!client_ca_file.empty()) {
    TIPHYS_TRY(std::string, pem, os::read_file(client_ca_file));
    resolved.client_ca_pem = pem;
  }
  if (!tls_cert_file.empty()) {
    TIPHYS_TRY(std::string, certificate, os::read_file(tls_cert_file));
    TIPHYS_TRY(std::string, key, os::read_file(tls_private_key_file));
    resolved.tls_cert_pem = certificate;
    resolved.tls_key_pem = key;
  }
  return resolved;
}

}  // namespace tiphys
