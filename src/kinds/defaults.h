// Defaults of whole objects, as upstream's SetObjectDefaults_*: data of api/v1.35 plus the rules
// of well-known kinds (defaults_*.cc). Pure; idempotent.
#pragma once
#include "object/object.h"
#include "schema/defaults.h"

namespace tiphys::kinds {

// Fills the draft in. Lists default their items.
void apply_defaults(Draft& draft);
schema::DefaultRule find_default_rule(std::string_view name);

}  // namespace tiphys::kinds
