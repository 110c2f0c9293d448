// The API's types as types of expressions, so that a variable can be, say, a Deployment.
// Source: k8s.io/apiserver v0.35 pkg/cel/common/schemas.go, escaping.go.
#pragma once
#include "cel/environment.h"
#include "schema/message.h"

namespace tiphys::cel {

// Makes known the message and all that it holds; returns its type, named as the message. What has
// no type of its own (IntOrString, quantities, any JSON) is dyn. A field named by a reserved word
// is found by its name and as __name__.
const Type* add_message_type(Environment& environment, const schema::Message& message);

}  // namespace tiphys::cel
