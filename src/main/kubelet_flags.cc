#include "main/kubelet_flags.h"

#include "base/strings.h"
#include "main/node_name.h"
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
