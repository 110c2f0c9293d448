// Flags of the kubelet, under upstream's names; shared by kubelet, agent, server and purge.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "kubelet/options.h"
#include "main/flags.h"

namespace tiphys {

// key=value items of a flag. Errors name the flag, without dashes.
Result<std::map<std::string, std::string>> read_pairs(std::string_view flag,
                                                      const std::vector<std::string>& items);
// "key=value:effect" or "key:effect" items of --register-with-taints.
Result<std::vector<kubelet::Options::Taint>> read_taints(const std::vector<std::string>& items);

struct KubeletFlags {
  kubelet::Options options;
  std::vector<std::string> node_labels;
  std::vector<std::string> register_with_taints;
  std::vector<std::string> system_reserved;
  std::vector<std::string> kube_reserved;
  std::vector<std::string> eviction_hard;
  std::string container_log_max_size = "10Mi";
  int64_t port = 10250;
  std::string client_ca_file;
  std::string tls_cert_file;
  std::string tls_private_key_file;

  // What every way to run a kubelet has. The data folder's flag is the caller's.
  void add_to(FlagSet& flags);
  // Only where it runs without an API server in its process (kubelet, agent).
  void add_alone_to(FlagSet& flags);
  // The options with lists and files that flags name read into them. Error: names the flag or file.
  Result<kubelet::Options> resolve() const;

 private:
  void add_resource_flags(FlagSet& flags);
  Result<void> resolve_resources(kubelet::Options& resolved) const;
};

}  // namespace tiphys
