// Negotiation: which media type an answer gets (RFC 9110 section 12) and what a body is, as
// k8s.io/apiserver/pkg/endpoints/handlers/negotiation. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/codec.h"

namespace tiphys::apiserver {

// What of the object is asked for: the `as` parameter of group meta.k8s.io.
enum class Transform : uint8_t { kNone, kTable, kPartialObject, kPartialObjectList };

struct MediaType {
  codec::Format format = codec::Format::kJson;
  bool pretty = false;
  bool stream = false;  // ;stream=watch
  Transform transform = Transform::kNone;
  std::string_view meta_version = "v1";  // of meta.k8s.io, for transforms: v1 or v1beta1
};

// What an endpoint offers.
struct AcceptScope {
  bool table = false;
  bool partial = false;  // PartialObjectMetadata and its list
  bool lists = false;    // it lists, and may stream
  bool streams = false;  // this request streams: not as YAML
};

// Error: NotAcceptable 406 naming the accepted types.
Result<MediaType> negotiate(std::string_view accept, const AcceptScope& scope);
// The aggregated form of discovery (as=APIGroupDiscoveryList;g=apidiscovery.k8s.io).
struct DiscoveryType {
  codec::Format format = codec::Format::kJson;
  std::string_view version;  // of apidiscovery.k8s.io: "v2" or "v2beta1"
};
// Nothing: the plain documents come first, or nothing fits.
std::optional<DiscoveryType> negotiate_discovery(std::string_view accept);
// The media types of an Accept header without their parameters, best first; "*/*" if it is empty.
std::vector<std::string_view> accepted_types(std::string_view accept);
// The Content-Type text of an answer.
std::string_view content_type(codec::Format format);
// Of a watch stream: "application/json" or "application/vnd.kubernetes.protobuf;stream=watch".
std::string_view stream_content_type(codec::Format format);
// The format of a request body; empty is JSON. Error: UnsupportedMediaType 415.
Result<codec::Format> body_format(std::string_view content_type);
// True if gzip is among the accepted encodings.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace tiphys::apiserver
