// Order of merged lists: items of the patch in the order given, the server's own in theirs.
// As normalizeElementOrder of k8s.io/apimachinery/pkg/util/strategicpatch. Pure.
#pragma once
#include <string_view>

#include "object/value.h"

namespace tiphys::apiserver {

// Puts `merged` in order: those also in `order` follow it, others follow `server`.
Value order_elements(Value merged, Value order, Value server, std::string_view merge_key,
                     Arena& arena);
// True if the items of `patch` occur in `order`, in the same relative order.
bool order_covers(const Node& patch, const Node& order, std::string_view merge_key);

}  // namespace tiphys::apiserver
