#include "apiserver/response/status_object.h"

#include "kinds/meta_v1.h"

namespace tiphys::apiserver {

ObjectPtr status_object(const ApiStatus& failure) {
  const ApiStatus::Data& data = failure.data();
  Draft draft = meta_v1::Status::make();
  meta_v1::StatusEdit status(draft);
  auto metadata = status.edit_metadata();
  if (!data.continue_token.empty()) metadata.set_continue(data.continue_token);
  status.set_status("Failure");
  status.set_message(data.message);
  status.set_reason(data.reason);
  status.set_code(data.code);
  if (!data.has_details) return draft.freeze();
  auto details = status.edit_details();
  details.set_name(data.details.name);
  details.set_group(data.details.group);
  details.set_kind(data.details.kind);
  details.set_uid(data.details.uid);
  if (data.details.retry_after_seconds > 0) {
    details.set_retry_after_seconds(data.details.retry_after_seconds);
  }
  for (const StatusCause& cause : data.details.causes) {
    auto item = details.edit_causes().append();
    item.set_reason(cause.reason);
    item.set_message(cause.message);
    item.set_field(cause.field);
  }
  return draft.freeze();
}

}  // namespace tiphys::apiserver
