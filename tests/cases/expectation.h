// Expectations of steps: what an answer must say, compared with what it says. Pure.
#pragma once
#include <string>

#include "tests/cases/world.h"

namespace tiphys::cases {

// An answer's body as untyped JSON, decoded by its content type (JSON or protobuf); null for other
// texts. `arena` owns it.
Result<Value> decode_answer(const Reply& reply, Arena& arena);
// The complete events of a watch's text so far, as {type, object}.
std::vector<Value> decode_events(std::string_view content_type, std::string_view text,
                                 Arena& arena);

// What differs, one line each; "": nothing. `success` is the status unless `expect` says another.
std::string unmet(const Node& expect, const Reply& reply, int success);

}  // namespace tiphys::cases
