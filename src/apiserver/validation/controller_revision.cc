// Rules of ControllerRevisions that are no rows (pkg/apis/apps/validation).
#include "apiserver/validation/rule_calls.h"
#include "codec/codec.h"

namespace tiphys::apiserver {

// A JSON object. Through protobuf it may be any bytes.
void call_revision_data(const RuleInput& input, FieldErrors& errors) {
  if (input.value.as_text().empty()) return errors.required(input.path, "data is mandatory");
  Arena arena;
  Result<Value> data = codec::decode_json_any(input.value.as_text(), arena);
  if (!data) {
    errors.invalid(input.path, "<value omitted>", "error parsing data: " + data.error().message());
  } else if (data->is_null()) {
    errors.required(input.path, "data is mandatory");
  } else if (data->type != ValueType::kMap) {
    errors.required(input.path, "data must be a valid JSON object");
  }
}

}  // namespace tiphys::apiserver
