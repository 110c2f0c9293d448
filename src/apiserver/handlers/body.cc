#include "apiserver/handlers/body.h"

#include "apiserver/handlers/audited_body.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

// How go-yaml lists duplicate keys, each on a line of its own.
constexpr std::string_view kYamlErrors = "yaml: unmarshal errors:\n";
constexpr std::string_view kYamlToJson = "error converting YAML to JSON: ";
constexpr size_t kMaxSummary = 30;  // bytes of the body shown in errors

// The start of the body, as upstream's summarizeData: text as text, else hex.
std::string summarize(std::string_view body) {
  if (body.empty()) return "<empty>";
  bool json = body.front() == '{';
  bool cut = body.size() > kMaxSummary;
  std::string_view shown = body.substr(0, kMaxSummary);
  return (json ? std::string(shown) : hex(shown)) + (cut ? " ..." : "");
}

ApiStatus unrecognized(const schema::Kind& kind, const ApiStatus& why, std::string_view body) {
  return ApiStatus::bad_request("the object provided is unrecognized (must be of type " +
                                std::string(kind.gvk.kind) + "): " + why.message() + " (" +
                                summarize(body) + ")");
}

std::string cannot_handle(std::string_view kind, std::string_view version,
                          std::string_view expected) {
  return std::string(kind) + " in version " + go_quote(version) + " cannot be handled as a " +
         std::string(expected) + ": ";
}

// kind and apiVersion of what could not be decoded, if they can be seen.
struct SeenType {
  std::string kind;
  std::string api_version;
};
SeenType look_at_type(codec::Format format, std::string_view body) {
  SeenType seen;
  if (format == codec::Format::kProtobuf) {
    auto envelope = codec::decode_envelope(body);
    if (!envelope) return seen;
    seen.kind = envelope->kind;
    seen.api_version = envelope->api_version;
    return seen;
  }
  std::string json;
  if (format == codec::Format::kYaml) {
    auto converted = codec::yaml_to_json(body);
    if (!converted) return seen;
    json = std::move(*converted);
    body = json;
  }
  Arena arena;
  auto any = codec::decode_json_any(body, arena);
  if (!any || any->type != ValueType::kMap) return seen;
  seen.kind = any->node->find("kind").as_text();
  seen.api_version = any->node->find("apiVersion").as_text();
  return seen;
}

ApiStatus decode_error(codec::Format format, std::string_view body, const schema::Kind& kind,
                       const ApiStatus& why) {
  SeenType seen = look_at_type(format, body);
  if (seen.kind.empty() && seen.api_version.empty()) {
    // The decoder used the endpoint's own type, unless the bytes were not readable at all.
    Arena arena;
    if (format == codec::Format::kProtobuf || !codec::decode_json_any(body, arena)) {
      return unrecognized(kind, why, body);
    }
  }
  std::string_view version =
      seen.api_version.empty() ? kind.gvk.version : std::string_view(seen.api_version);
  version = version.substr(version.find('/') + 1);
  std::string_view name = seen.kind.empty() ? kind.gvk.kind : std::string_view(seen.kind);
  return ApiStatus::bad_request(cannot_handle(name, version, kind.gvk.kind) + why.message());
}

Result<void> check_type(const Draft& draft, const schema::Kind& kind) {
  const GroupVersionKind* gvk = draft.gvk();
  if (&draft.type() == kind.message && (!gvk || *gvk == kind.gvk)) return {};
  if (gvk && (gvk->group != kind.gvk.group || gvk->version != kind.gvk.version)) {
    return ApiStatus::bad_request("the API version in the data (" + gvk->api_version() +
                                  ") does not match the expected API version (" +
                                  kind.gvk.api_version() + ")");
  }
  std::string_view name = gvk ? gvk->kind : std::string_view("?");
  return ApiStatus::bad_request(cannot_handle(name, kind.gvk.version, kind.gvk.kind) +
                                "converting (" + std::string(kind.gvk.version) + "." +
                                std::string(name) + ") to (" +
                                (kind.gvk.group.empty() ? "core" : std::string(kind.gvk.group)) +
                                "." + std::string(kind.gvk.kind) + "): unknown conversion");
}

}  // namespace

Result<void> check_body_size(const RequestContext& context) {
  if (!context.body_too_large) return {};
  return ApiStatus::too_large("Request entity too large: limit is " +
                              std::to_string(codec::kMaxBodyBytes));
}

void warn_of_problems(RequestContext& context, FieldValidation validation,
                      const std::vector<std::string>& problems) {
  if (validation != FieldValidation::kWarn) return;
  for (std::string_view problem : problems) {
    std::string_view list = problem;
    if (list.starts_with(kYamlToJson)) list.remove_prefix(kYamlToJson.size());
    if (!list.starts_with(kYamlErrors)) {
      context.warnings.emplace_back(problem);
      continue;
    }
    list.remove_prefix(kYamlErrors.size());
    for (std::string_view line : split(list, '\n')) context.warnings.emplace_back(trim(line));
  }
}

Result<void> apply_field_validation(RequestContext& context, FieldValidation validation,
                                    const std::vector<std::string>& problems,
                                    const schema::Kind& kind) {
  if (problems.empty() || validation == FieldValidation::kIgnore) return {};
  if (validation == FieldValidation::kWarn) {
    warn_of_problems(context, validation, problems);
    return {};
  }
  return ApiStatus::bad_request(cannot_handle(kind.gvk.kind, kind.gvk.version, kind.gvk.kind) +
                                "strict decoding error: " + join(problems, ", "));
}

namespace {

Result<Draft> decoded(RequestContext& context, const schema::Kind& kind,
                      FieldValidation validation) {
  if (context.object) {
    Draft draft(*context.object);
    if (!draft.gvk()) draft.set_gvk(&kind.gvk);
    auto checked = check_type(draft, kind);
    if (!checked) return checked.error();
    return draft;
  }
  TIPHYS_TRY(codec::Format, format, body_format(context.content_type));
  codec::DecodeNotes notes;
  // Go decodes a JSON null into an empty object.
  if (format != codec::Format::kProtobuf && trim(context.body) == "null") context.body = "{}";
  auto draft = codec::decode_object(format, context.body, &kind, &notes);
  if (!draft) return decode_error(format, context.body, kind, draft.error());
  auto checked = check_type(*draft, kind);
  if (!checked) return checked.error();
  auto valid = apply_field_validation(context, validation, notes.problems, kind);
  if (!valid) return valid.error();
  draft->set_gvk(&kind.gvk);
  return std::move(*draft);
}

}  // namespace

Result<Draft> decode_body(RequestContext& context, const schema::Kind& kind,
                          FieldValidation validation) {
  TIPHYS_TRY(Draft, draft, decoded(context, kind, validation));
  audit_body(context, draft);
  return draft;
}

Result<void> match_namespace(Draft& object, std::string_view ns) {
  std::string_view own = MetaView(object).ns();
  if (own == ns) return {};
  if (own.empty() || ns.empty()) {
    MetaEdit(object).set_text("namespace", ns);
    return {};
  }
  return ApiStatus::bad_request(
      "the namespace of the provided object does not match the namespace sent on the request");
}

Result<void> match_name(const Draft& object, std::string_view name, std::string_view ns) {
  MetaView meta(object);
  if (meta.name().empty()) {
    return ApiStatus::bad_request("the name of the object (" + std::string(name) +
                                  " based on URL) was undeterminable: name must be provided");
  }
  if (meta.name() != name) {
    return ApiStatus::bad_request("the name of the object (" + std::string(meta.name()) +
                                  ") does not match the name on the URL (" + std::string(name) +
                                  ")");
  }
  if (!ns.empty() && !meta.ns().empty() && meta.ns() != ns) {
    return ApiStatus::bad_request("the namespace of the object (" + std::string(meta.ns()) +
                                  ") does not match the namespace on the request (" +
                                  std::string(ns) + ")");
  }
  return {};
}

}  // namespace tiphys::apiserver
