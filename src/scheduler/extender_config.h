// ExtenderConfig: one `extenders` entry of a KubeSchedulerConfiguration, decoded and validated.
// Plain data. Source: k8s.io/kube-scheduler/config/v1 Extender.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace tiphys::scheduler {

struct ExtenderConfig {
  struct ManagedResource {
    std::string name;
    // NodeResourcesFit does not look at it either (the profiles have it in ignored_resources).
    bool ignored_by_scheduler = false;
  };
  struct Tls {
    bool insecure = false;
    std::string server_name;
    std::string cert_file, key_file, ca_file;
    std::string cert_data, key_data, ca_data;  // PEM; they win over the files
  };
  static constexpr Duration kDefaultTimeout = std::chrono::seconds(5);

  std::string url_prefix;
  std::string filter_verb;      // "": it does not filter
  std::string preempt_verb;     // "": it has no say in preemption
  std::string prioritize_verb;  // "": it does not score
  int64_t weight = 0;           // of its scores; positive if it scores
  std::string bind_verb;        // "": it does not bind; one extender may
  bool enable_https = false;
  bool has_tls = false;
  Tls tls;
  Duration http_timeout = kDefaultTimeout;
  bool node_cache_capable = false;  // it is sent names of nodes, not nodes
  // Pods that ask for none of these are not its business; empty: every pod is.
  std::vector<ManagedResource> managed_resources;
  bool ignorable = false;  // scheduling goes on when it fails
};

}  // namespace tiphys::scheduler
