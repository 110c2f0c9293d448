#include "apiserver/apply/apply.h"

namespace tiphys::apiserver {

Result<Draft> apply_object(const ApplyRequest&, const Object*, const Value&) {
  return ApiStatus(501, "NotImplemented", "server-side apply is not implemented yet");
}

}  // namespace tiphys::apiserver
