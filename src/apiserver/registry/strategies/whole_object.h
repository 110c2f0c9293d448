// Strategies that validate an object as a whole, against the old one at an update. Internal.
#pragma once
#include "apiserver/registry/strategy.h"

namespace tiphys::apiserver {

// validate(object, old, errors): old is null at creation. Writes of subresources are not its
// business.
template <class Kind, void (*validate)(Kind, const Kind*, FieldErrors&)>
Strategy whole_object() {
  return {.validate = [](const StrategyContext&, const Object& object,
                         FieldErrors& errors) { validate(Kind(object), nullptr, errors); },
          .validate_update =
              [](const StrategyContext& context, const Object& object, const Object& old,
                 FieldErrors& errors) {
                if (!context.subresource.empty()) return;
                Kind before(old);
                validate(Kind(object), &before, errors);
              }};
}

}  // namespace tiphys::apiserver
