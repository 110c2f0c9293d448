#include "main/pod_check.h"

#include "apiserver/registry/object_meta.h"
#include "apiserver/validation/pod.h"
#include "apiserver/validation/rules.h"

namespace tiphys {

Result<void> check_new_pod(const Object& pod) {
  apiserver::FieldErrors errors;
  apiserver::validate_object_meta(*schema::find_resource("", "v1", "pods"),
                                  apiserver::MetaView(pod), errors);
  apiserver::validate_rules({pod}, false, errors);
  apiserver::validate_pod_create(core_v1::Pod(pod), errors);
  if (errors.empty()) return {};
  std::string text;
  for (const StatusCause& cause : errors.causes()) {
    text += (text.empty() ? "" : ", ") + cause.field + ": " + cause.message;
  }
  return ApiStatus::bad_request("[" + text + "]");
}

}  // namespace tiphys
