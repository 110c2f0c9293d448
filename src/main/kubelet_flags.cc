#include "main/kubelet_flags.h"

#include <algorithm>
#include <filesystem>

#include "base/strings.h"
#include "codec/configuration_file.h"
#include "kubelet/config/configuration_options.h"
#include "kubelet/config/configuration_support.h"
#include "kubelet/node/node_addresses.h"
#include "main/node_name.h"
#include "os/cgroups.h"
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

namespace {

constexpr std::string_view kDropInEnd = ".conf";

std::string folder_of(const std::string& path) {
  std::error_code error;
  return std::filesystem::absolute(path, error).parent_path().string();
}

Result<kubelet::ConfigurationFile> read_config(const std::string& path) {
  auto failed = [&path](const std::string& why) {
    return ApiStatus::bad_request("failed to load kubelet config file, path: " + path +
                                  ", error: " + why);
  };
  Result<std::string> text = os::read_file(path, codec::kMaxConfigurationBytes);
  if (!text) return failed(text.error().message());
  if (text->empty()) return failed("kubelet config file \"" + path + "\" was empty");
  kubelet::ConfigurationFile file{*text, folder_of(path)};
  Result<kubelet::Configuration> alone = kubelet::Configuration::parse({file});
  if (!alone) return failed("failed to decode: " + alone.error().message());
  return file;
}

// Files of a folder of drop-ins, by name; folders in it, too.
Result<std::vector<std::string>> drop_ins(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error), end;
  for (; !error && at != end; at.increment(error)) {
    if (at->path().string().ends_with(kDropInEnd) && at->is_regular_file()) {
      paths.push_back(at->path().string());
    }
  }
  if (error) {
    return ApiStatus::bad_request("failed to walk through kubelet dropin directory " +
                                  go_quote(folder) + ": " + error.message());
  }
  std::ranges::sort(paths);
  return paths;
}

bool has_swap() {
  Result<std::string> swaps = os::read_file("/proc/swaps", 64 * 1024);
  return swaps && split(trim(*swaps), '\n').size() > 1;  // a line of headings is always there
}

}  // namespace

void KubeletFlags::add_own_to(FlagSet& flags) {
  flags.add(
      "node-ip", options.node_ip,
      "Address of this node, or a pair of both IP families (\"\": the one of the default route)");
  flags.add("node-labels", node_labels, "Labels to register the node with");
  flags.add("bridge-name", options.bridge_name, "Bridge of the pod network");
  flags.add("node-routes", options.node_routes,
            "Keep routes to the other nodes' pods, over VXLAN where a node isn't on a segment of "
            "this one's");
}

void KubeletFlags::add_shared_to(FlagSet& flags) {
  add_own_to(flags);
  flags.add("kubelet-config", config, "KubeletConfiguration file of the node (\"\": the defaults)");
  fields.add_to(flags, true);
}

void KubeletFlags::add_alone_to(FlagSet& flags) {
  alone_ = true;
  add_own_to(flags);
  flags.add("config", config, "KubeletConfiguration file; flags win over it");
  flags.add("config-dir", config_dir, "Folder of *.conf files that are laid over --config");
  flags.add("kubeconfig", kubeconfig, "How to reach the API server, and as whom");
  flags.add("bootstrap-kubeconfig", bootstrap_kubeconfig,
            "Kubeconfig to get a client certificate with if there is no --kubeconfig yet");
  flags.add("data-dir", options.data_dir, "Folder of the runtime, images and pods");
  flags.add("hostname-override", options.node_name, "Name of this node (\"\": the host's)");
  flags.add("root-dir", options.root_dir, "Folder of pods' state (\"\": <data-dir>/kubelet)");
  flags.add("cert-dir", options.cert_dir, "Folder of certificates (\"\": <root-dir>/pki)");
  flags.add(
      "cluster-cidr", options.cluster_cidr,
      "Ranges of the cluster's pods, one or one of each IP family; not masqueraded (an agent's "
      "are told by its cluster)");
  flags.add("cloud-provider", cloud_provider, "None is there: \"\"");
  flags.add("pod-infra-container-image", pod_infra_container_image,
            "Sandboxes have our own image: has no effect");
  fields.add_to(flags, false);
}

Result<kubelet::Configuration> KubeletFlags::configuration() const {
  TIPHYS_TRY([[maybe_unused]] auto, node_ips, kubelet::parse_node_ips(options.node_ip));
  std::vector<kubelet::ConfigurationFile> files;
  std::vector<std::string> paths;
  if (!config.empty()) paths.push_back(config);
  if (!config_dir.empty()) {
    TIPHYS_TRY(std::vector<std::string>, found, drop_ins(config_dir));
    paths.insert(paths.end(), found.begin(), found.end());
  }
  for (const std::string& path : paths) {
    TIPHYS_TRY(kubelet::ConfigurationFile, file, read_config(path));
    files.push_back(std::move(file));
  }
  TIPHYS_TRY(std::string, overlay, fields.overlay());
  TIPHYS_TRY(kubelet::Configuration, made, kubelet::Configuration::parse(files, overlay));
  Result<os::Cgroups> cgroups = os::Cgroups::detect();
  Result<void> valid = made.validate(cgroups && cgroups->v2());
  if (!valid) {
    return ApiStatus::bad_request("failed to validate kubelet configuration, error: " +
                                  valid.error().message());
  }
  if (Result<void> can = kubelet::check_configuration_support(made); !can) return can.error();
  if (!cloud_provider.empty()) {
    return ApiStatus::bad_request("--cloud-provider: \"" + cloud_provider +
                                  "\" is not supported by this kubelet");
  }
  return made;
}

Result<kubelet::Options> KubeletFlags::resolve(const kubelet::Configuration& made) const {
  kubelet::Options resolved = options;
  Result<void> applied = kubelet::apply_configuration(made, resolved);
  if (!applied) return applied.error();
  resolved.node_name = node_name(options.node_name);
  TIPHYS_TRY(auto, labels, read_pairs("node-labels", node_labels));
  resolved.node_labels = labels;
  if ((alone_ || !config.empty()) && made.view().fail_swap_on() && has_swap()) {
    return ApiStatus::bad_request(
        "running with swap on is not supported, please disable swap or set --fail-swap-on flag to "
        "false");
  }
  return resolved;
}

}  // namespace tiphys
