// Strategies that validate an object as a whole, against the old one at an update. Internal.
#pragma once
#include "apiserver/registry/strategy.h"

namespace tiphys::apiserver {

template <class Kind>
using KindCheck = void (*)(Kind, const Kind* old, FieldErrors&);

// validate: old is null at creation. validate_status: of a write of the status subresource; null:
// there is nothing to check. Writes of other subresources are not its business.
template <class Kind, KindCheck<Kind> validate, KindCheck<Kind> validate_status = nullptr>
Strategy whole_object() {
  return {.validate = [](const StrategyContext&, const Object& object,
                         FieldErrors& errors) { validate(Kind(object), nullptr, errors); },
          .validate_update =
              [](const StrategyContext& context, const Object& object, const Object& old,
                 FieldErrors& errors) {
                Kind before(old);
                KindCheck<Kind> check = nullptr;
                if (context.subresource.empty()) check = validate;
                if (context.subresource == "status") check = validate_status;
                if (check) check(Kind(object), &before, errors);
              }};
}

}  // namespace tiphys::apiserver
