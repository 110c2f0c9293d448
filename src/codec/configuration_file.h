// Configuration files of components (KubeletConfiguration, KubeProxyConfiguration ...): documents
// in YAML or JSON that are read strictly, and fields that are laid over them. Pure; any thread.
// Input is hostile. Errors are BadRequest in upstream's words.
#pragma once
#include <string>
#include <string_view>

#include "codec/codec.h"

namespace tiphys::codec {

inline constexpr size_t kMaxConfigurationBytes = 3 * 1024 * 1024;

// JSON if it begins as an object does, else YAML.
Format format_of(std::string_view text);
// "strict decoding error: unknown field ..., ...".
ApiStatus strict_error(const DecodeNotes& notes);
// A document of a kind of the scheme, without defaults. Errors besides: it is larger than
// kMaxConfigurationBytes; what a lenient decoder notes, unless the caller takes the notes.
Result<Draft> decode_configuration(const Scheme& scheme, std::string_view text,
                                   DecodeNotes* notes = nullptr);
// The document as plain values.
Result<Value> configuration_values(std::string_view text, Arena& arena);
// The values with the patch's over them (RFC 7386: null removes). They may share nodes with `base`.
Value lay_over(Arena& arena, Value base, const Value& patch);

}  // namespace tiphys::codec
