// ClientFlags: --kube-api-qps, --kube-api-burst and --kube-api-content-type of components that
// reach an API server over TLS. `tiphys server` has none of them: there a request is a function
// call of the same process, and nothing is won by waiting before it.
#pragma once
#include <string>

#include "client/rate_limit.h"
#include "main/flags.h"

namespace tiphys {

struct ClientFlags {
  client::RateLimit limit;  // of each client: a controller does not wait for another one's requests
  std::string content_type = "application/vnd.kubernetes.protobuf";
  void add_to(FlagSet& flags);
  // Error: a limit that lets nothing through, a content type that objects can't be sent in.
  Result<void> check() const;
  bool json() const { return content_type == "application/json"; }
};

// What kubectl takes, in its order: the flag's value, $KUBECONFIG, ~/.kube/config.
std::string default_kubeconfig(const std::string& flag);

}  // namespace tiphys
