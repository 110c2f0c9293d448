#include "main/client_flags.h"

#include <cstdlib>

namespace tiphys {

void ClientFlags::add_to(FlagSet& flags) {
  flags.add("kube-api-qps", limit.qps,
            "Requests a second to the API server, of each client (negative: no limit)");
  flags.add("kube-api-burst", limit.burst, "Requests that may go at once before --kube-api-qps");
  flags.add("kube-api-content-type", content_type, "Content type of requests to the API server");
}

Result<void> ClientFlags::check() const {
  if (limit.burst < 0 || (limit.qps > 0 && limit.burst == 0)) {
    return ApiStatus::bad_request(
        "--kube-api-burst is required to be greater than 0 when --kube-api-qps is set to greater "
        "than 0");
  }
  if (!json() && content_type != "application/vnd.kubernetes.protobuf") {
    return ApiStatus::bad_request("--kube-api-content-type: \"" + content_type +
                                  "\" is not supported: application/vnd.kubernetes.protobuf and "
                                  "application/json are");
  }
  return {};
}

std::string default_kubeconfig(const std::string& flag) {
  if (!flag.empty()) return flag;
  const char* named = std::getenv("KUBECONFIG");
  if (named != nullptr && *named != '\0') return named;
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.kube/config";
}

}  // namespace tiphys
