#include "apiserver/admission/plain_plugin.h"

#include "kinds/metadata.h"

namespace tiphys::apiserver {

using Operation = AdmissionRequest::Operation;

Task<Result<void>> AdmissionPlugin::mutate(AdmissionRequest&) { co_return Result<void>(); }
Task<Result<void>> AdmissionPlugin::validate(AdmissionRequest&) { co_return Result<void>(); }

Task<Result<void>> PlainPlugin::mutate(AdmissionRequest& request) { co_return change(request); }
Task<Result<void>> PlainPlugin::validate(AdmissionRequest& request) { co_return check(request); }

Result<void> PlainPlugin::change(AdmissionRequest&) { return {}; }
Result<void> PlainPlugin::check(const AdmissionRequest&) { return {}; }

bool is_for(const AdmissionRequest& request, std::string_view group, std::string_view resource) {
  return request.subresource.empty() && request.resource->group == group &&
         request.resource->resource == resource;
}

bool is_create(const AdmissionRequest& request) { return request.operation == Operation::kCreate; }
bool is_update(const AdmissionRequest& request) { return request.operation == Operation::kUpdate; }
bool is_delete(const AdmissionRequest& request) { return request.operation == Operation::kDelete; }

ApiStatus denied(const AdmissionRequest& request, std::string_view why) {
  std::string name = request.name;
  if (name.empty()) {
    name = "Unknown";
    int16_t field = request.object ? request.object->type().metadata_field : -1;
    if (field >= 0) {
      const Value& value = request.object->root().field(static_cast<uint16_t>(field));
      meta_v1::ObjectMeta metadata(value.as_node());
      if (!metadata.name().empty()) {
        name = metadata.name();
      } else if (!metadata.generate_name().empty()) {
        name = metadata.generate_name();
      }
    }
  }
  return ApiStatus::forbidden(request.resource->group, request.resource->resource, name, why);
}

}  // namespace tiphys::apiserver
