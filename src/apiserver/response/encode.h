// Encoding of answers: objects, lists and their transforms (Table, PartialObjectMetadata) as bytes.
// Single objects and list items use the objects' shared encodings. Loop thread only.
#pragma once
#include <string>

#include "apiserver/pipeline/answer.h"
#include "apiserver/pipeline/request_context.h"
#include "base/result.h"

namespace tiphys::apiserver {

// Error: BadRequest for an includeObject that is none.
Result<net::Bytes> encode_object(const RequestContext& context, const Object& object);
Result<net::Bytes> encode_list(const RequestContext& context, const ListAnswer& list);
// One event of a watch, framed for the stream: JSON with newline, or length-prefixed protobuf.
Result<std::string> encode_event(const RequestContext& context, std::string_view type,
                                 const Object& object, bool first_table);
// A failure, in the format asked for (JSON if none fits). Never a Table.
net::Bytes encode_failure(const MediaType& media, const ApiStatus& failure);
// For a Table: BadRequest for an includeObject that is none. Other forms have no options.
Result<void> check_table_options(const RequestContext& context);
// Go's two-space... indented form of compact JSON, as ?pretty=true gives it.
std::string indent_json(std::string_view compact);

}  // namespace tiphys::apiserver
