// A container's environment: services, envFrom, env. Pure. After upstream's
// makeEnvironmentVariables and pkg/kubelet/envvars.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "kubelet/pods/downward.h"
#include "kubelet/pods/expansion.h"
#include "kubelet/pods/references.h"

namespace tiphys::kubelet {

struct Environment {
  std::vector<std::pair<std::string, std::string>> variables;  // in order, names unique
  std::map<std::string, size_t, std::less<>> positions;        // of each name in it

  Variables lookup() const { return {variables.begin(), variables.end()}; }
  bool contains(std::string_view name) const { return positions.contains(name); }
  void set(std::string name, std::string value);
};

// FOO_SERVICE_HOST, FOO_PORT_80_TCP ... of the services with a cluster IP.
Environment service_environment(const std::vector<core_v1::Service>& services);
// Errors are messages of CreateContainerConfigError: `configmap "a" not found`,
// `couldn't find key b in ConfigMap default/a`.
Result<Environment> container_environment(const DownwardContext& context, const Fetched& fetched,
                                          core_v1::Container container, Environment services);

}  // namespace tiphys::kubelet
