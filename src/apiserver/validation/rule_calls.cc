// Rules that kinds of several groups share and that are no rows.
#include "apiserver/validation/rule_calls.h"

#include "apiserver/validation/selectors.h"

namespace tiphys::apiserver {

void call_label_selector(const RuleInput& input, FieldErrors& errors) {
  if (input.value.is_null()) return;
  validate_label_selector(meta_v1::LabelSelector(input.value.as_node()), input.path, errors);
}

}  // namespace tiphys::apiserver
