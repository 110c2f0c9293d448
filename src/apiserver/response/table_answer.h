// Tables as answers: the request's options put to table/'s documents.
#pragma once
#include <string>

#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"
#include "base/result.h"

namespace tiphys::apiserver {

// Error: BadRequest "Unable to convert to Table as requested: includeObject: ...".
Result<void> check_include_object(const Query& query);
// headers: with column definitions (watch events after the first have none). Error: BadRequest
// "Unable to convert to Table as requested: includeObject: ...".
Result<std::string> table_text(const RequestContext& context, const ListAnswer& list, bool is_list,
                               bool headers);

}  // namespace tiphys::apiserver
