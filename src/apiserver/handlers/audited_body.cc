#include "apiserver/handlers/audited_body.h"

#include "apiserver/audit/auditor.h"
#include "apiserver/registry/defaults.h"
#include "apiserver/registry/meta.h"
#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using audit::Level;

// Valid JSON on one line and safe in HTML, as Go writes what it was given.
std::string compact(std::string_view json) {
  constexpr std::string_view kSpace = " \t\r\n";
  constexpr std::string_view kHtml = "<>&";
  std::string out;
  out.reserve(json.size());
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (!in_string && kSpace.find(c) != std::string_view::npos) continue;
    if (c == '"') in_string = !in_string;
    if (kHtml.find(c) != std::string_view::npos) {
      out += "\\u00" + hex(json.substr(i, 1));
      continue;
    }
    out += c;
    if (c == '\\' && i + 1 < json.size()) out += json[++i];
  }
  return out;
}

bool is_json(std::string_view text) {
  Arena arena;
  return codec::decode_json_any(text, arena).has_value();
}

}  // namespace

void audit_body(const RequestContext& context, const Draft& object) {
  if (!context.audit) return;
  MetaView meta(object);
  context.audit->complete_reference(meta.ns(), meta.name(), meta.uid(), meta.resource_version());
  if (!context.audit->tells(Level::kRequest)) return;
  Draft told = object.clone();
  apply_defaults(*context.resource, told);
  if (context.audit->omits_managed_fields()) MetaEdit(told).clear("managedFields");
  std::string json;
  codec::encode_object(codec::Format::kJson, told.type(), told.root(), told.gvk(), json);
  context.audit->set_request_object(std::move(json));
}

// An apply's YAML is told as JSON: the log's lines are JSON.
void audit_patch(const RequestContext& context) {
  if (!context.audit || !context.audit->tells(Level::kRequest)) return;
  if (is_json(context.body)) {
    context.audit->set_request_object(compact(context.body));
  } else if (auto json = codec::yaml_to_json(context.body)) {
    context.audit->set_request_object(std::move(*json));
  }
}

}  // namespace tiphys::apiserver
