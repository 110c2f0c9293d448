// Flags of the kubelet, under upstream's names; shared by kubelet, agent and server.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "kubelet/config/configuration.h"
#include "kubelet/options.h"
#include "main/flags.h"
#include "main/kubelet_config_flags.h"

namespace tiphys {

// key=value items of a flag. Errors name the flag, without dashes.
Result<std::map<std::string, std::string>> read_pairs(std::string_view flag,
                                                      const std::vector<std::string>& items);
// "key=value:effect" or "key:effect" items of --register-with-taints.
Result<std::vector<kubelet::Options::Taint>> read_taints(const std::vector<std::string>& items);

struct KubeletFlags {
  kubelet::Options options;
  std::string config;
  std::string config_dir;
  std::vector<std::string> node_labels;
  KubeletConfigFlags fields;
  // Of a kubelet that runs alone:
  std::string kubeconfig;
  std::string bootstrap_kubeconfig;
  std::string cloud_provider;
  std::string pod_infra_container_image;

  // What `tiphys server` has, whose process decides on addresses, folders and certificates.
  void add_shared_to(FlagSet& flags);
  // All of it. The FlagSet must outlive configuration().
  void add_alone_to(FlagSet& flags);
  // The configuration: file, drop-ins, then flags, each over the one before. Reads files. Error: a
  // file or field that is wrong, or asks for what isn't here.
  Result<kubelet::Configuration> configuration() const;
  // The options that it and the other flags mean.
  Result<kubelet::Options> resolve(const kubelet::Configuration& configuration) const;

 private:
  void add_own_to(FlagSet& flags);
  bool alone_ = false;
};

}  // namespace tiphys
