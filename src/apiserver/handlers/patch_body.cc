#include "apiserver/handlers/patch_body.h"

#include "apiserver/patch/go_text.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

struct MediaRow {
  std::string_view media;
  PatchKind kind;
};

constexpr MediaRow kMedia[] = {
    {"application/json-patch+json", PatchKind::kJson},
    {"application/merge-patch+json", PatchKind::kMerge},
    {"application/strategic-merge-patch+json", PatchKind::kStrategic},
    {"application/apply-patch+yaml", PatchKind::kApply},
};

constexpr std::string_view kOperationMembers[] = {"op", "path", "from", "value"};

void note_unknown_members(const Value& patch, std::vector<std::string>& problems) {
  for (uint32_t i = 0; i < patch.as_node().size; ++i) {
    const Value& operation = patch.node->data[i];
    if (operation.type != ValueType::kMap) continue;
    for (uint32_t at = 0; at + 1 < operation.node->size; at += 2) {
      std::string_view name = operation.node->data[at].as_text();
      bool known = std::ranges::find(kOperationMembers, name) != std::end(kOperationMembers);
      if (known || problems.size() >= codec::kMaxProblems) continue;
      problems.push_back("unknown field \"[" + std::to_string(i) + "]." + std::string(name) + "\"");
    }
  }
}

// What Go's decoder says of a value of another kind.
std::string wrong_kind(const Value& value, std::string_view wanted) {
  std::string_view found = value.type == ValueType::kList     ? "array"
                           : value.type == ValueType::kMap    ? "object"
                           : value.type == ValueType::kString ? "string"
                           : value.type == ValueType::kBool   ? "bool"
                                                              : "number";
  return "json: cannot unmarshal " + std::string(found) + " into Go " + std::string(wanted);
}

std::string no_object(const Value& value) {
  return wrong_kind(value, "value of type map[string]interface {}");
}

// What strict decoding, or the patch library, says of operations that are none; "" if nothing.
std::string operations_problem(const Value& patch, bool strict) {
  if (!patch.is_null() && patch.type != ValueType::kList) {
    return wrong_kind(
        patch, strict ? "value of type []handlers.jsonPatchOp" : "value of type jsonpatch.Patch");
  }
  for (const Value& operation : patch.as_node().items()) {
    if (!operation.is_null() && operation.type != ValueType::kMap) {
      return wrong_kind(operation, strict ? "value of type handlers.jsonPatchOp"
                                          : "value of type jsonpatch.Operation");
    }
    for (std::string_view name : {"op", "path", "from"}) {
      const Value& text = operation.as_node().find(name);
      if (!strict || text.is_null() || text.type == ValueType::kString) continue;
      return wrong_kind(text, "struct field jsonPatchOp." + std::string(name) + " of type string");
    }
  }
  return "";
}

Result<void> decode_yaml(PatchBody& body, std::string_view text) {
  codec::DecodeNotes notes;
  auto json = codec::yaml_to_json(text, &notes);
  if (!json) return ApiStatus::bad_request("error decoding YAML: " + json.error().message());
  TIPHYS_TRY(Value, value, codec::decode_json_any(*json, body.arena));
  if (value.type != ValueType::kMap && !value.is_null()) {
    return ApiStatus::bad_request("error decoding YAML: error unmarshaling JSON: while decoding " +
                                  ("JSON: " + no_object(value)));
  }
  body.value = value.is_null() ? body.arena.make(ValueType::kMap) : value;
  for (const std::string& problem : notes.problems) {
    body.problems.push_back("error converting YAML to JSON: " + problem);
  }
  return {};
}

Result<void> decode_json(PatchBody& body, std::string_view text, bool strict) {
  codec::DecodeNotes notes;
  // Where strict decoding comes first, its error is the one that is told.
  bool prefixed = strict && body.kind != PatchKind::kStrategic;
  std::string prefix = prefixed ? "error decoding patch: " : "";
  auto value = codec::decode_json_any(text, body.arena, &notes);
  if (!value) return ApiStatus::bad_request(prefix + value.error().message());
  body.value = *value;
  body.problems = std::move(notes.problems);
  if (body.kind == PatchKind::kJson) {
    std::string wrong = operations_problem(body.value, strict);
    if (!wrong.empty()) return ApiStatus::bad_request(prefix + wrong);
    if (body.value.is_null()) body.value = body.arena.make(ValueType::kList);
    note_unknown_members(body.value, body.problems);
    for (std::string& problem : body.problems) problem.insert(0, "json patch ");
    return {};
  }
  if (body.value.type == ValueType::kMap) return {};
  if (body.value.is_null()) {
    body.value = body.arena.make(ValueType::kMap);
    return {};
  }
  if (body.kind == PatchKind::kMerge && !strict) {
    // The patch library takes a list, and the document becomes that.
    if (body.value.type == ValueType::kList) return {};
    return ApiStatus::bad_request("Invalid JSON Patch");
  }
  return ApiStatus::bad_request(prefix + no_object(body.value));
}

}  // namespace

Result<PatchKind> patch_kind(std::string_view content_type) {
  std::string_view media = trim(content_type.substr(0, content_type.find(';')));
  std::vector<std::string> known;
  for (const MediaRow& row : kMedia) {
    if (row.media == media) return row.kind;
    known.emplace_back(row.media);
  }
  return ApiStatus::unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: " +
      join(known, ", "));
}

Result<PatchBody> decode_patch(PatchKind kind, std::string_view text, FieldValidation validation) {
  PatchBody body{kind, Arena(), Value(), {}};
  bool strict = validation != FieldValidation::kIgnore;
  auto done = kind == PatchKind::kApply ? decode_yaml(body, text) : decode_json(body, text, strict);
  if (!done) return done.error();
  return body;
}

}  // namespace tiphys::apiserver
