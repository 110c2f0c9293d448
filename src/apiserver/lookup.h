// Lookup: how the stages of the API server (authn, authz, admission, strategies) read stored
// objects: from the watch caches, synchronously. Loop thread only.
#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

class Lookup {
 public:
  virtual ~Lookup() = default;
  // Null if absent. `group` and `resource` name a stored resource ("", "pods"); unknown: null.
  virtual ObjectPtr get(std::string_view group, std::string_view resource, std::string_view ns,
                        std::string_view name) const = 0;
  // All of a namespace ("" for all), in key order.
  virtual std::vector<ObjectPtr> list(std::string_view group, std::string_view resource,
                                      std::string_view ns) const = 0;
  // Called after each change of the resource (old or now is null at creation and deletion), and
  // once for each present object when added.
  using ChangeHandler = std::function<void(const ObjectPtr& old, const ObjectPtr& now)>;
  virtual void on_change(std::string_view group, std::string_view resource,
                         ChangeHandler handler) = 0;
};

}  // namespace tiphys::apiserver
