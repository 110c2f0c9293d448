#include "apiserver/response/table_answer.h"

#include "apiserver/registry/meta.h"
#include "apiserver/table/table_document.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

Result<IncludeObject> parse_include(std::string_view text) {
  if (text.empty() || text == "Metadata") return IncludeObject::kMetadata;
  if (text == "Object") return IncludeObject::kObject;
  if (text == "None") return IncludeObject::kNone;
  return ApiStatus::bad_request(
      "Unable to convert to Table as requested: includeObject: Invalid value: " + go_quote(text) +
      ": must be 'Metadata', 'Object', 'None', or empty");
}

// table/ writes version v1; v1beta1 differs by its name only.
void use_version(std::string_view version, std::string& text) {
  if (version == "v1") return;
  constexpr std::string_view kV1 = "\"apiVersion\":\"meta.k8s.io/v1\"";
  std::string wanted = "\"apiVersion\":\"meta.k8s.io/" + std::string(version) + "\"";
  for (size_t at = text.find(kV1); at != std::string::npos; at = text.find(kV1, at + 1)) {
    text.replace(at, kV1.size(), wanted);
  }
}

}  // namespace

Result<void> check_include_object(const Query& query) {
  auto include = parse_include(query.get("includeObject"));
  if (!include) return include.error();
  return {};
}

Result<std::string> table_text(const RequestContext& context, const ListAnswer& list, bool is_list,
                               bool headers) {
  TIPHYS_TRY(IncludeObject, include, parse_include(context.query.get("includeObject")));
  TableOptions options;
  options.include = include;
  options.headers = headers;
  options.resource_version = list.resource_version;
  const schema::Message* type = context.resource->message;
  if (!is_list && !list.items.empty()) {
    options.resource_version = MetaView(*list.items[0]).resource_version();
    type = &list.items[0]->type();
  }
  options.continue_token = list.continue_token;
  if (!list.continue_token.empty() && list.remaining > 0) options.remaining = list.remaining;
  std::string text = table_json(*type, list.items, options, context.now);
  use_version(context.media.meta_version, text);
  return text;
}

}  // namespace tiphys::apiserver
