#include "apiserver/registry/defaults.h"

#include "kinds/defaults.h"

namespace tiphys::apiserver {

void apply_defaults(const schema::Resource& resource, Draft& object) {
  if (&object.type() == resource.message) kinds::apply_defaults(object);
}

}  // namespace tiphys::apiserver
