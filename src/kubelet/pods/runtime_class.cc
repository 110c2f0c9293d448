#include "kubelet/pods/runtime_class.h"

#include "base/strings.h"
#include "kinds/core_v1.h"
#include "kinds/node_v1.h"

namespace tiphys::kubelet {

Task<Result<std::string>> find_runtime_handler(client::Client& client, ObjectPtr pod) {
  core_v1::PodSpec spec = core_v1::Pod(*pod).spec();
  std::string name(spec.runtime_class_name());
  std::string handler;
  if (!name.empty()) {
    const schema::Resource& classes = *schema::find_resource("node.k8s.io", "v1", "runtimeclasses");
    Result<ObjectPtr> found = co_await client.get(classes, "", name);
    if (!found && found.error().is_not_found()) co_return found.error();
    if (!found) {
      co_return ApiStatus::internal("failed to lookup RuntimeClass " + name + ": " +
                                    found.error().message());
    }
    handler = node_v1::RuntimeClass(**found).handler();
  }
  if (spec.has_host_users() && !spec.host_users()) {
    co_return ApiStatus::bad_request(
        handler.empty()
            ? "can't set `spec.hostUsers: false`, runtime does not support user namespaces"
            : "can't set `spec.hostUsers: false`, RuntimeClass handler " + go_quote(handler) +
                  " does not support user namespaces");
  }
  co_return handler;
}

}  // namespace tiphys::kubelet
