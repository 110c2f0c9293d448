// The defaulting walker: fills absent fields of a tree with the defaults of its schema.
//
// Works on any message: each struct gets its own defaults first, then its rule, then its members
// are walked, as upstream's generated SetObjectDefaults do. Also rounds resource lists up to
// thousandths. Idempotent. Pure. The rules by name live in kinds/ (kinds/defaults.h is the way in).
#pragma once
#include <string_view>

#include "schema/message.h"

namespace tiphys::schema {

using DefaultRule = void (*)(Arena& arena, Node& node);
// The rule of a name, or null: then it is left out.
using FindDefaultRule = DefaultRule (*)(std::string_view name);

void apply_defaults(const Message& type, Arena& arena, Node& node, FindDefaultRule find_rule);

}  // namespace tiphys::schema
