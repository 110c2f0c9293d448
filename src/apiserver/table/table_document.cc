#include "apiserver/table/table_document.h"

#include "apiserver/response/partial_object.h"
#include "apiserver/table/table.h"
#include "codec/codec.h"
#include "schema/message.h"

namespace tiphys::apiserver {
namespace {

void append_member(std::string_view name, std::string_view value, std::string& json) {
  if (value.empty()) return;
  if (json.back() != '{') json += ',';
  codec::append_json_string(name, json);
  json += ':';
  codec::append_json_string(value, json);
}

void append_metadata(const TableOptions& options, std::string& json) {
  json += "\"metadata\":{";
  append_member("resourceVersion", options.resource_version, json);
  append_member("continue", options.continue_token, json);
  if (options.remaining >= 0) {
    if (json.back() != '{') json += ',';
    json += "\"remainingItemCount\":" + std::to_string(options.remaining);
  }
  json += "}";
}

void append_row(const Object& object, const TablePrinter& printer, IncludeObject include,
                MicroTime now, std::string& json) {
  Cells cells;
  printer.print(object, now, cells);
  json += "{\"cells\":[";
  json += cells.json();
  json += "]";
  std::string_view conditions = printer.conditions ? printer.conditions(object) : "";
  if (!conditions.empty()) json.append(",\"conditions\":").append(conditions);
  json += ",\"object\":";
  if (include == IncludeObject::kNone) {
    json += "null";
  } else if (include == IncludeObject::kObject) {
    codec::encode_object(codec::Format::kJson, object.type(), object.root(), object.gvk(), json);
  } else {
    append_partial_metadata(object, json);
  }
  json += "}";
}

}  // namespace

std::string table_json(const schema::Message& type, const std::vector<ObjectPtr>& objects,
                       const TableOptions& options, MicroTime now) {
  const TablePrinter& printer = table_printer(type);
  std::string json = "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",";
  append_metadata(options, json);
  json += ",\"columnDefinitions\":";
  json += options.headers ? column_definitions_json(printer) : "null";
  json += ",\"rows\":[";
  bool first = true;
  for (const ObjectPtr& object : objects) {
    if (!first) json += ',';
    first = false;
    append_row(*object, printer, options.include, now, json);
  }
  return json + "]}";
}

void append_partial_metadata(const Object& object, std::string& json) {
  ObjectPtr partial = partial_object(object, "v1", true);
  codec::encode_object(codec::Format::kJson, partial->type(), partial->root(), partial->gvk(),
                       json);
}

}  // namespace tiphys::apiserver
