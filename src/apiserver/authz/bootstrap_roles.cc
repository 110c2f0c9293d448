#include "apiserver/authz/bootstrap_roles.h"

#include "apiserver/authz/bootstrap_policy.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {

Task<Result<void>> bootstrap_roles(ApiServer& server) {
  Result<BootstrapPolicy> policy = load_bootstrap_policy();
  if (!policy) co_return policy.error();
  std::vector<BootstrapAction> actions = plan_bootstrap(*policy, server.lookup());
  for (const BootstrapAction& action : actions) {
    const schema::Resource* resource =
        schema::find_resource(action.group, action.version, action.resource);
    std::string ns(namespace_of(*action.object));
    Task<Result<ObjectPtr>> write = action.create
                                        ? server.ensure(*resource, ns, Draft(*action.object))
                                        : server.put(*resource, ns, Draft(*action.object));
    Result<ObjectPtr> written = co_await std::move(write);
    if (!written) co_return written.error();
  }
  co_return Result<void>();
}

}  // namespace tiphys::apiserver
