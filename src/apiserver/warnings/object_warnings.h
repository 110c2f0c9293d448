// The warnings of a write, by kind. Pure. See warnings.h for what they are.
#pragma once
#include "apiserver/warnings/warnings.h"
#include "object/object.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

// `object` is valid, of the stored type; old null: it is being created.
void warn_of_object(const schema::Resource& resource, const Object& object, const Object* old,
                    Warnings& warnings);

// Of a write of the status. Writes of other subresources have none.
void warn_of_status(const schema::Resource& resource, const Object& object, Warnings& warnings);

}  // namespace tiphys::apiserver
