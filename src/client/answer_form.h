// The forms in which answers are asked for and come: protobuf or JSON; whole objects, or only their
// metadata (PartialObjectMetadata) of kinds that the schema doesn't know. Pure.
// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations
#pragma once
#include <string>
#include <string_view>

#include "client/transport.h"

namespace tiphys::client {

inline constexpr std::string_view kProtobufType = "application/vnd.kubernetes.protobuf";
inline constexpr std::string_view kJsonType = "application/json";

// "application/json" of "application/json;charset=utf-8".
std::string_view media_type(std::string_view content_type);

// The Accept header of a request. A server that knows no alternate representation may give whole
// objects as JSON.
// json: no protobuf is wanted (a kubeconfig or flag says so).
std::string accept_header(Request::As as, bool json = false);
std::string watch_accept_header(Request::As as, bool json = false);

// The object in an answer's body, JSON unless `content_type` says protobuf. Where metadata was
// asked for, a whole object of an unknown kind becomes its metadata. Error: the body is no object,
// or one of an unknown kind where an object was asked for.
Result<ObjectPtr> decode_answer(std::string_view content_type, std::string_view body,
                                Request::As as);

}  // namespace tiphys::client
