#include "apiserver/openapi/path_writer.h"

#include <array>
#include <span>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

constexpr std::array<std::string_view, 3> kTypes = {"application/json", "application/yaml",
                                                    "application/vnd.kubernetes.protobuf"};
constexpr std::array<std::string_view, 2> kStreams = {
    "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"};
constexpr std::array<std::string_view, 4> kPatches = {
    "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json", "application/apply-patch+yaml"};
constexpr std::array<std::string_view, 1> kAny = {"*/*"};

void write_texts(std::span<const std::string_view> texts, JsonText& out) {
  for (std::string_view text : texts) out.text(text);
}

std::string parameter_key(const Parameter& parameter, std::string_view json) {
  char hash[16];
  snprintf(hash, sizeof hash, "-%08x", fnv32a(json));
  return parameter.name + hash;
}

void write_kind(const GroupVersionKind& kind, JsonText& out) {
  out.key("x-kubernetes-group-version-kind").open('{').member("group", kind.group);
  out.member("kind", kind.kind).member("version", kind.version).close('}');
}

void write_body_types(const Operation& operation, JsonText& out) {
  out.key("consumes").open('[');
  if (operation.action == "patch") {
    write_texts(kPatches, out);
  } else {
    write_texts(kAny, out);
  }
  out.close(']').key("produces").open('[');
  if (operation.connects) {
    write_texts(kAny, out);
  } else {
    write_texts(kTypes, out);
  }
  if (operation.streams) write_texts(kStreams, out);
  out.close(']');
}

}  // namespace

std::string PathWriter::schema_of(const schema::Message* message) {
  if (!message) return R"({"type":"string"})";
  schemas_.add(*message);
  return R"({"$ref":")" + openapi_reference(version_, openapi_name(*message)) + "\"}";
}

void PathWriter::write(const PathItem& item, JsonText& out) {
  out.key(item.path).open('{');
  for (const Operation& operation : item.operations) write_operation(operation, out);
  if (!item.parameters.empty()) {
    out.key("parameters").open('[');
    write_parameters(item.parameters, nullptr, out);
    out.close(']');
  }
  out.close('}');
}

void PathWriter::write_operation(const Operation& operation, JsonText& out) {
  bool v2 = version_ == OpenApiVersion::kV2;
  out.key(operation.method).open('{');
  out.key("tags").open('[').text(operation.tag).close(']');
  out.member("description", operation.description).member("operationId", operation.id);
  if (v2) {
    write_body_types(operation, out);
    out.key("schemes").open('[').text("https").close(']');
  }
  if (!operation.parameters.empty() || (v2 && operation.body)) {
    out.key("parameters").open('[');
    write_parameters(operation.parameters, v2 ? operation.body : nullptr, out);
    out.close(']');
  }
  if (!v2 && operation.body) write_body(operation, out);
  write_responses(operation, out);
  if (!operation.action.empty()) out.member("x-kubernetes-action", operation.action);
  if (operation.kind) write_kind(*operation.kind, out);
  out.close('}');
}

void PathWriter::write_parameters(const std::vector<Parameter>& parameters,
                                  const schema::Message* body, JsonText& out) {
  for (const Parameter& parameter : parameters) write_parameter(parameter, out);
  if (!body) return;
  out.open('{').member("in", "body").member("name", "body");
  out.key("schema").raw(schema_of(body)).close('}');
}

void PathWriter::write_parameter(const Parameter& parameter, JsonText& out) {
  JsonText one;
  one.open('{').member("name", parameter.name).member("in", parameter.in);
  one.member("description", parameter.description);
  if (parameter.in == "path") one.key("required").raw("true");
  if (version_ == OpenApiVersion::kV2) {
    one.member("type", parameter.type).key("uniqueItems").raw("true").close('}');
    std::string json = one.take();
    std::string key = parameter_key(parameter, json);
    out.open('{').member("$ref", "#/parameters/" + key).close('}');
    shared_.emplace(std::move(key), std::move(json));
    return;
  }
  one.key("schema").open('{').member("type", parameter.type);
  one.key("uniqueItems").raw("true").close('}').close('}');
  out.raw(one.take());
}

void PathWriter::write_body(const Operation& operation, JsonText& out) {
  std::string schema = schema_of(operation.body);
  out.key("requestBody").open('{').key("content").open('{');
  std::span<const std::string_view> types = kAny;
  if (operation.action == "patch") types = kPatches;
  for (std::string_view type : types) {
    out.key(type).open('{').key("schema").raw(schema).close('}');
  }
  out.close('}').close('}');
}

void PathWriter::write_responses(const Operation& operation, JsonText& out) {
  out.key("responses").open('{');
  write_response("200", "OK", operation, out);
  if (operation.creates) write_response("201", "Created", operation, out);
  if (operation.accepts) write_response("202", "Accepted", operation, out);
  out.key("401").open('{').member("description", "Unauthorized").close('}');
  out.close('}');
}

void PathWriter::write_response(std::string_view code, std::string_view text,
                                const Operation& operation, JsonText& out) {
  std::string schema = schema_of(operation.answer);
  out.key(code).open('{').member("description", text);
  if (version_ == OpenApiVersion::kV2) {
    out.key("schema").raw(schema).close('}');
    return;
  }
  out.key("content").open('{');
  auto write_all = [&](std::span<const std::string_view> types) {
    for (std::string_view type : types) {
      out.key(type).open('{').key("schema").raw(schema).close('}');
    }
  };
  if (operation.connects) {
    write_all(kAny);
  } else {
    write_all(kTypes);
  }
  if (operation.streams) write_all(kStreams);
  out.close('}').close('}');
}

std::string PathWriter::shared_parameters() const {
  JsonText out;
  out.open('{');
  for (const auto& [key, json] : shared_) out.key(key).raw(json);
  return out.close('}').take();
}

}  // namespace tiphys::apiserver
