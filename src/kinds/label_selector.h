// LabelSelector structs (matchLabels, matchExpressions) as selectors. Pure.
#pragma once
#include "kinds/meta_v1.h"
#include "object/selector.h"

namespace tiphys {

// metav1.LabelSelectorAsSelector: the empty selector matches everything. Error: BadRequest for an
// unknown operator or a malformed key or value.
Result<LabelSelector> to_selector(const meta_v1::LabelSelector& selector);
// The same for an optional field: absent matches nothing.
Result<LabelSelector> to_selector(bool present, const meta_v1::LabelSelector& selector);

}  // namespace tiphys
