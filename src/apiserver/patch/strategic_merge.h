// Strategic merge patch, guided by the schema's patch strategies and merge keys, with all of its
// directives ($patch, $retainKeys, $deleteFromPrimitiveList, $setElementOrder), as
// k8s.io/apimachinery/pkg/util/strategicpatch applies them. Pure.
#pragma once
#include "base/result.h"
#include "object/value.h"
#include "schema/message.h"

namespace tiphys::apiserver {

// `document` is the untyped tree of an object of `type`; it and `patch` must be trees of `arena`
// and are both consumed. Errors are upstream's: BadRequest for badly formed directives, else a
// 500 without reason ("map: ... does not contain declared merge key: name").
Result<Value> apply_strategic_merge(Value document, Value patch, const schema::Message& type,
                                    Arena& arena);

}  // namespace tiphys::apiserver
