// The body of a write, decoded: format from Content-Type, kind and version checked against what the
// endpoint takes, unknown fields refused, warned about or ignored, defaults applied.
#pragma once
#include "apiserver/handlers/options.h"
#include "apiserver/pipeline/request_context.h"

namespace tiphys::apiserver {

// 413 if the client sent more than codec::kMaxBodyBytes.
Result<void> check_body_size(const RequestContext& context);

// kind: the expected kind. Errors: UnsupportedMediaType; BadRequest with upstream's wordings.
Result<Draft> decode_body(RequestContext& context, const schema::Kind& kind,
                          FieldValidation validation);
// The problems of a decode, done with as the request asked: an error, warnings, or nothing.
// `kind` words the error ('Pod in version "v1" cannot be handled as a Pod: strict decoding ...').
Result<void> apply_field_validation(RequestContext& context, FieldValidation validation,
                                    const std::vector<std::string>& problems,
                                    const schema::Kind& kind);
// The problems as warnings, if the request asked for that; of YAML, one for each line.
void warn_of_problems(RequestContext& context, FieldValidation validation,
                      const std::vector<std::string>& problems);
// Sets or checks metadata.namespace against the URL's.
Result<void> match_namespace(Draft& object, std::string_view ns);
// Checks metadata.name (and namespace) of an update against the URL's.
Result<void> match_name(const Draft& object, std::string_view name, std::string_view ns);

}  // namespace tiphys::apiserver
