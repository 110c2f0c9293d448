// The JSON of a patched object, as errors about it show it. Pure.
#pragma once
#include <string>

#include "apiserver/handlers/patch_body.h"
#include "schema/message.h"

namespace tiphys::apiserver {

// What the patch went through has sorted members, as upstream's patch library leaves it; the rest
// has them in the type's order.
std::string patched_text(const schema::Message& type, const Value& document,
                         const PatchBody& patch);

}  // namespace tiphys::apiserver
