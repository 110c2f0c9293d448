// Numbers and percentages ("25%"), as pkg/apis/apps/validation checks them.
#include "apiserver/validation/rule_calls.h"
#include "base/strings.h"

namespace tiphys::apiserver {

void call_int_or_percent(const RuleInput& input, FieldErrors& errors) {
  if (input.value.type == ValueType::kInt) {
    if (input.value.as_int() < 0) {
      errors.invalid(input.path, input.value.as_int(), "must be greater than or equal to 0");
    }
    return;
  }
  if (input.value.is_null()) return;
  std::string_view text = input.value.as_text();
  Messages messages = check_percent(text);
  for (const std::string& message : messages) errors.invalid(input.path, text, message);
  if (!messages.empty()) return;
  int64_t percent = parse_int(text.substr(0, text.size() - 1)).value_or(INT64_MAX);
  if (percent > 100) errors.invalid(input.path, text, "must not be greater than 100%");
}

}  // namespace tiphys::apiserver
