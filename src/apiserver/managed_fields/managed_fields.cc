#include "apiserver/managed_fields/managed_fields.h"

namespace tiphys::apiserver {

void track_update(const schema::Resource&, std::string_view, const Object*, Draft&,
                  std::string_view, MicroTime) {}

}  // namespace tiphys::apiserver
