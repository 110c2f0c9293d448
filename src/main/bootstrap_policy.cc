#include "main/bootstrap_policy.h"

#include "apiserver/authz/bootstrap_policy.h"
#include "kinds/metadata.h"

namespace tiphys {

Task<Result<void>> install_bootstrap_policy(apiserver::ApiServer& server) {
  return install_policy(server, apiserver::kBootstrapPolicyJson);
}

Task<Result<void>> install_policy(apiserver::ApiServer& server, std::string_view json) {
  Result<apiserver::BootstrapPolicy> policy = apiserver::parse_bootstrap_policy(json);
  if (!policy) co_return policy.error();
  std::vector<apiserver::BootstrapAction> plan =
      apiserver::plan_bootstrap(*policy, server.lookup());
  for (apiserver::BootstrapAction& action : plan) {
    const schema::Resource* resource =
        schema::find_resource(action.group, action.version, action.resource);
    std::string ns = resource->namespaced ? std::string(namespace_of(*action.object)) : "";
    Draft draft(*action.object);
    Result<ObjectPtr> written = ApiStatus::stopped();
    if (action.create) {
      written = co_await server.ensure(*resource, ns, std::move(draft));
    } else {
      written = co_await server.put(*resource, ns, std::move(draft));
    }
    if (!written) co_return written.error();
  }
  co_return Result<void>();
}

}  // namespace tiphys
