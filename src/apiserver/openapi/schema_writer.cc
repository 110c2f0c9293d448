#include "apiserver/openapi/schema_writer.h"

#include <algorithm>

#include "base/strings.h"
#include "schema/description.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::ListType;
using schema::Message;
using schema::Shape;

struct SpecialRow {
  FieldKind kind;
  std::string_view name;
  std::string_view v2;  // members of its schema
  std::string_view v3;
};

const SpecialRow kSpecials[] = {
    {FieldKind::kTime,
     "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
     R"({"type":"string","format":"date-time"})",
     {}},
    {FieldKind::kMicroTime,
     "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
     R"({"type":"string","format":"date-time"})",
     {}},
    {FieldKind::kDuration,
     "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
     R"({"type":"string"})",
     {}},
    {FieldKind::kQuantity, "io.k8s.apimachinery.pkg.api.resource.Quantity", R"({"type":"string"})",
     R"({"oneOf":[{"type":"string"},{"type":"number"}]})"},
    {FieldKind::kIntOrString, "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
     R"({"type":"string","format":"int-or-string"})",
     R"({"format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}]})"},
    {FieldKind::kRawExtension,
     "io.k8s.apimachinery.pkg.runtime.RawExtension",
     R"({"type":"object"})",
     {}},
    {FieldKind::kFieldsV1,
     "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
     R"({"type":"object"})",
     {}},
    {FieldKind::kJson, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", "{}", {}},
};

const SpecialRow* special_of(FieldKind kind) {
  for (const SpecialRow& row : kSpecials) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

bool is_opaque(FieldKind kind) {
  return kind == FieldKind::kSchemaOrArray || kind == FieldKind::kSchemaOrBool ||
         kind == FieldKind::kSchemaOrStringArray;
}

std::string_view scalar_json(FieldKind kind) {
  switch (kind) {
    case FieldKind::kBool:
      return R"({"type":"boolean"})";
    case FieldKind::kInt32:
      return R"({"type":"integer","format":"int32"})";
    case FieldKind::kInt64:
      return R"({"type":"integer","format":"int64"})";
    case FieldKind::kDouble:
      return R"({"type":"number","format":"double"})";
    case FieldKind::kBytes:
      return R"({"type":"string","format":"byte"})";
    case FieldKind::kStringList:
      return R"({"type":"array","items":{"type":"string"}})";
    case FieldKind::kAny:
      return R"({"type":"object"})";
    default:
      return R"({"type":"string"})";
  }
}

// The members of a schema that is written out elsewhere: "{...}" without its braces.
void write_inner(std::string_view json, JsonText& out) {
  if (json.size() > 2) out.raw(json.substr(1, json.size() - 2));
}

// What a Go zero value looks like where it is always there: clients may rely on it.
std::string_view zero_default(const Field& field) {
  if (field.pointer || field.shape != Shape::kSingular) return {};
  if (field.kind == FieldKind::kMessage || field.kind == FieldKind::kQuantity) return "{}";
  if (field.omitempty) return {};
  if (field.kind == FieldKind::kBool) return "false";
  if (field.kind == FieldKind::kInt32 || field.kind == FieldKind::kInt64) return "0";
  if (field.kind == FieldKind::kDouble) return "0";
  if (field.kind == FieldKind::kString) return "\"\"";
  if (special_of(field.kind) && field.kind != FieldKind::kJson) return "{}";
  return {};
}

void write_list_rules(const Field& field, JsonText& out) {
  constexpr std::string_view kTypes[] = {"atomic", "set", "map"};
  if (field.shape == Shape::kList) {
    out.member("x-kubernetes-list-type", kTypes[static_cast<size_t>(field.list_type)]);
  }
  if (!field.list_map_keys.empty()) {
    out.key("x-kubernetes-list-map-keys").open('[');
    for (std::string_view key : field.list_map_keys) out.text(key);
    out.close(']');
  }
  bool atomic = field.shape == Shape::kMap ? field.map_atomic : field.struct_atomic;
  if (atomic) out.member("x-kubernetes-map-type", "atomic");
  if (!field.patch_merge_key.empty()) {
    out.member("x-kubernetes-patch-merge-key", field.patch_merge_key);
  }
  std::string strategy;
  for (auto [set, name] :
       {std::pair{bool(field.replace), "replace"}, std::pair{bool(field.merge_list), "merge"},
        std::pair{bool(field.retain_keys), "retainKeys"}}) {
    if (set) strategy += (strategy.empty() ? "" : ",") + std::string(name);
  }
  if (!strategy.empty()) out.member("x-kubernetes-patch-strategy", strategy);
}

void write_enum(const Field& field, JsonText& out) {
  if (field.enum_values.empty() || field.shape != Shape::kSingular) return;
  std::vector<std::string_view> values(field.enum_values.begin(), field.enum_values.end());
  std::sort(values.begin(), values.end());
  out.key("enum").open('[');
  for (std::string_view value : values) out.text(value);
  out.close(']');
}

void write_kind(const GroupVersionKind& gvk, std::string_view kind, JsonText& out) {
  out.open('{').member("group", gvk.group).member("kind", kind);
  out.member("version", gvk.version).close('}');
}

// Options and events belong to every group version.
void write_kinds(const Message& message, JsonText& out) {
  out.key("x-kubernetes-group-version-kind").open('[');
  std::string_view kind = message.gvk->kind;
  const schema::Kind* own = schema::find_kind("apps", "v1", kind);
  if (!own || own->message != &message || own->gvk.group == "apps") {
    write_kind(*message.gvk, kind, out);
  } else {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const schema::Kind& other : schema::all_kinds()) {
      if (!seen.emplace(other.gvk.group, other.gvk.version).second) continue;
      write_kind(other.gvk, kind, out);
    }
  }
  out.close(']');
}

struct Member {
  const Message* owner;  // an inlined message's own
  const Field* field;
};

void collect_members(const Message& message, std::vector<Member>& members) {
  for (const Field& field : message.fields) {
    if (field.json_hidden) continue;
    if (field.inlined && field.message) {
      collect_members(*field.message, members);
    } else {
      members.push_back({&message, &field});
    }
  }
}

// The members of the JSON object, by name.
std::vector<Member> members_of(const Message& message) {
  std::vector<Member> members;
  collect_members(message, members);
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.field->name < b.field->name; });
  return members;
}

}  // namespace

// Go's package path with its domain turned around.
std::string openapi_name(const Message& message) {
  std::string path(message.go_name);
  size_t slash = path.find('/');
  if (slash == std::string::npos) return std::string(message.name);
  std::vector<std::string_view> domain = split(std::string_view(path).substr(0, slash), '.');
  std::string name;
  for (auto part = domain.rbegin(); part != domain.rend(); ++part) name += std::string(*part) + ".";
  std::string rest = path.substr(slash + 1);
  std::replace(rest.begin(), rest.end(), '/', '.');
  return name + rest;
}

std::string openapi_reference(OpenApiVersion version, std::string_view name) {
  std::string_view root =
      version == OpenApiVersion::kV2 ? "#/definitions/" : "#/components/schemas/";
  return std::string(root) + std::string(name);
}

void SchemaWriter::add(const Message& message) {
  std::string name = openapi_name(message);
  if (opaque_.contains(name) || !messages_.emplace(std::move(name), &message).second) return;
  for (const Member& member : members_of(message)) add_field(*member.field);
}

void SchemaWriter::add_field(const Field& field) {
  if (const SpecialRow* special = special_of(field.kind)) {
    specials_.emplace(special->name, field.kind);
  } else if (is_opaque(field.kind)) {
    opaque_.insert(openapi_name(*field.message));
  } else if (field.message) {
    add(*field.message);
  }
}

// One value of the field: its schema's members. wrapped: a description or default stands beside.
void SchemaWriter::write_type(const Field& field, bool wrapped, JsonText& out) const {
  const SpecialRow* special = special_of(field.kind);
  if (!special && !field.message) return write_inner(scalar_json(field.kind), out);
  std::string name = special ? std::string(special->name) : openapi_name(*field.message);
  std::string target = openapi_reference(version_, name);
  if (version_ == OpenApiVersion::kV3 && wrapped) {
    out.key("allOf").open('[').open('{').member("$ref", target).close('}').close(']');
  } else {
    out.member("$ref", target);
  }
}

void SchemaWriter::write_field(const Message& owner, const Field& field, JsonText& out) const {
  bool v3 = version_ == OpenApiVersion::kV3;
  out.key(field.name).open('{');
  if (field.shape == Shape::kSingular) {
    write_type(field, true, out);
  } else {
    bool list = field.shape == Shape::kList;
    bool has_default = v3 && !field.pointer && (field.kind == FieldKind::kMessage);
    out.member("type", list ? "array" : "object");
    out.key(list ? "items" : "additionalProperties").open('{');
    write_type(field, has_default, out);
    if (has_default) out.key("default").raw("{}");
    if (v3 && field.kind == FieldKind::kString) out.key("default").raw("\"\"");
    out.close('}');
  }
  out.member("description", schema::describe(owner, field));
  if (v3) {
    std::string_view value = field.default_json.empty() ? zero_default(field) : field.default_json;
    if (!value.empty()) out.key("default").raw(value);
  }
  write_enum(field, out);
  write_list_rules(field, out);
  out.close('}');
}

void SchemaWriter::write_members(const Message& message, JsonText& out, JsonText& required) const {
  for (const auto& [owner, field] : members_of(message)) {
    write_field(*owner, *field, out);
    bool optional = field->optional || field->omitempty;
    if (field->required || !optional) required.text(field->name);
  }
}

void SchemaWriter::write_message(const Message& message, JsonText& out) const {
  JsonText required;
  out.open('{').member("description", schema::describe(message)).member("type", "object");
  if (!message.fields.empty() || message.type_meta) {
    out.key("properties").open('{');
    for (std::string_view name : {"apiVersion", "kind"}) {
      if (!message.type_meta) break;
      out.key(name).open('{').member("type", "string");
      out.member("description", schema::describe_type_meta(name)).close('}');
    }
    required.open('[');
    write_members(message, out, required);
    out.close('}');
    std::string names = required.close(']').take();
    if (names != "[]") out.key("required").raw(names);
  }
  if (message.struct_atomic) out.member("x-kubernetes-map-type", "atomic");
  if (message.gvk) write_kinds(message, out);
  out.close('}');
}

void SchemaWriter::write_special(FieldKind kind, JsonText& out) const {
  const SpecialRow* row = special_of(kind);
  std::string_view name = row->name.substr(row->name.rfind('.') + 1);
  out.open('{').member("description", schema::describe_name(name));
  bool v3 = version_ == OpenApiVersion::kV3 && !row->v3.empty();
  write_inner(v3 ? row->v3 : row->v2, out);
  out.close('}');
}

std::string SchemaWriter::json() const {
  JsonText out;
  out.open('{');
  for (const auto& [name, message] : messages_) {
    out.key(name);
    write_message(*message, out);
  }
  for (const auto& [name, kind] : specials_) {
    out.key(name);
    write_special(kind, out);
  }
  for (const std::string& name : opaque_) {
    std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
    out.key(name).open('{').member("description", schema::describe_name(last)).close('}');
  }
  return out.close('}').take();
}

}  // namespace tiphys::apiserver
