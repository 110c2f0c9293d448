#include "tests/cases/step_request.h"

#include "base/strings.h"
#include "codec/codec.h"
#include "schema/resource.h"
#include "tests/cases/tree.h"
#include "tests/cases/world.h"

namespace tiphys::cases {
namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kProtobufType = "application/vnd.kubernetes.protobuf";

struct PatchType {
  std::string_view name;
  std::string_view media_type;
};
constexpr PatchType kPatchTypes[] = {
    {"json", "application/json-patch+json"},
    {"merge", "application/merge-patch+json"},
    {"strategic", "application/strategic-merge-patch+json"},
    {"apply", "application/apply-patch+yaml"},
};

std::string_view text_at(const Node& map, std::string_view key) { return map.find(key).as_text(); }

// plural, plural.group, plural.version or plural.version.group, as kubectl takes them.
const schema::Resource* resource_named(std::string_view name) {
  size_t dot = name.find('.');
  std::string_view plural = name.substr(0, dot);
  std::string_view rest = dot == std::string_view::npos ? "" : name.substr(dot + 1);
  for (const schema::Resource& resource : schema::all_resources()) {
    if (resource.resource != plural) continue;
    std::string versioned(resource.version);
    if (!resource.group.empty()) versioned += "." + std::string(resource.group);
    bool preferred = rest.empty() || rest == resource.group;
    if (rest == versioned || (preferred && resource.preferred_version)) return &resource;
  }
  return nullptr;
}

std::string collection_path(const schema::Resource& resource, std::string_view ns) {
  std::string path =
      resource.group.empty() ? "/api/" : "/apis/" + std::string(resource.group) + "/";
  path += std::string(resource.version);
  if (resource.namespaced && ns != "*") path += "/namespaces/" + std::string(ns);
  return path + "/" + std::string(resource.resource);
}

std::pair<std::string_view, std::string_view> group_version(std::string_view api_version) {
  size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

std::string query_text(const Node& params) {
  std::string query;
  for (uint32_t i = 0; i + 1 < params.size; i += 2) {
    if (!query.empty()) query += '&';
    query += percent_encode(params.data[i].as_text()) + "=" +
             percent_encode(plain_text(params.data[i + 1]));
  }
  return query;
}

// An object's protobuf; nothing where its type can't hold all that the JSON says.
std::optional<std::string> protobuf_of(const std::string& json) {
  codec::DecodeNotes notes;
  Result<Draft> draft = codec::decode_object(codec::Format::kJson, json, nullptr, &notes);
  if (!draft || !notes.problems.empty()) return std::nullopt;
  std::string out;
  codec::encode_object(codec::Format::kProtobuf, draft->type(), draft->root(), draft->gvk(), out);
  return out;
}

class RequestMaker {
 public:
  RequestMaker(const Node& step, std::string_view ns, Format format)
      : step_(step), ns_(text_at(step, "ns").empty() ? ns : text_at(step, "ns")), format_(format) {}

  Result<StepRequest> make() {
    Result<void> made = set_verb();
    if (!made) return made.error();
    net::Request& request = out_.request;
    if (size_t mark = request.path.find('?'); mark != std::string::npos) {
      request.query = request.path.substr(mark + 1);
      request.path.resize(mark);
    }
    add_params(query_text(step_.find("params").as_node()));
    request.headers.set("user-agent", "cases/1.0");
    request.headers.set("authorization", "Bearer " + std::string(kAdminToken));
    if (!request.headers.has("accept")) request.headers.set("accept", accept());
    impersonate();
    const Node& headers = step_.find("headers").as_node();
    for (uint32_t i = 0; i + 1 < headers.size; i += 2) {
      request.headers.remove(headers.data[i].as_text());
      if (headers.data[i + 1].is_null()) continue;
      request.headers.set(headers.data[i].as_text(), headers.data[i + 1].as_text());
    }
    if (step_.find("text").is_text()) request.body = text_at(step_, "text");
    return std::move(out_);
  }

 private:
  Result<void> set_verb() {
    struct Verb {
      std::string_view key;
      Result<void> (RequestMaker::*make)(const Value&);
    };
    static constexpr Verb kVerbs[] = {
        {"create", &RequestMaker::create},    {"update", &RequestMaker::update},
        {"apply", &RequestMaker::apply},      {"patch", &RequestMaker::patch},
        {"get", &RequestMaker::read},         {"list", &RequestMaker::read},
        {"watch", &RequestMaker::watch},      {"delete", &RequestMaker::remove},
        {"request", &RequestMaker::verbatim},
    };
    for (const Verb& verb : kVerbs) {
      const Value& value = step_.find(verb.key);
      if (!value.is_null()) return (this->*verb.make)(value);
    }
    return ApiStatus::bad_request("a step that does nothing");
  }
  Result<void> create(const Value& object) {
    std::string_view at = text_at(step_, "at");
    TIPHYS_TRY(std::string, path,
               at.empty() ? path_of_object(object.as_node(), ns_, false) : path_of(at, ns_));
    out_.success = 201;
    send("POST", path);
    set_body(object);
    return {};
  }
  Result<void> update(const Value& object) {
    Result<void> addressed = send_to_object("PUT", object);
    if (addressed) set_body(object);
    return addressed;
  }
  Result<void> apply(const Value& object) {
    Result<void> addressed = send_to_object("PATCH", object);
    add_params("fieldManager=" + percent_encode(manager()));
    set_text_body(object, kPatchTypes[3].media_type);
    return addressed;
  }
  Result<void> patch(const Value& reference) {
    TIPHYS_TRY(std::string, path, path_of(reference.as_text(), ns_));
    send("PATCH", path);
    for (const PatchType& type : kPatchTypes) {
      if (type.name == text_at(step_, "type")) set_text_body(step_.find("with"), type.media_type);
    }
    if (!out_.request.headers.has("content-type")) {
      return ApiStatus::bad_request("patch: type is json, merge, strategic or apply");
    }
    return {};
  }
  Result<void> read(const Value& reference) {
    TIPHYS_TRY(std::string, path, path_of(reference.as_text(), ns_));
    send("GET", path);
    out_.writes = false;
    return {};
  }
  Result<void> watch(const Value& reference) {
    Result<void> made = read(reference);
    add_params("watch=1");
    out_.watch = true;
    return made;
  }
  Result<void> remove(const Value& reference) {
    TIPHYS_TRY(std::string, path, path_of(reference.as_text(), ns_));
    send("DELETE", path);
    if (!step_.find("with").is_null()) set_body(step_.find("with"));
    return {};
  }
  // "POST /apis/...": as it stands, JSON unless its headers say otherwise.
  Result<void> verbatim(const Value& line) {
    std::string_view text = line.as_text();
    size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return ApiStatus::bad_request("request: METHOD /path");
    send(std::string(text.substr(0, blank)), std::string(text.substr(blank + 1)));
    out_.writes = out_.request.method != "GET";
    out_.request.headers.set("accept", kJsonType);
    if (!step_.find("with").is_null()) set_text_body(step_.find("with"), kJsonType);
    return {};
  }

  // To an object's own path, or the subresource that `at` names.
  Result<void> send_to_object(std::string method, const Value& object) {
    TIPHYS_TRY(std::string, path, path_of_object(object.as_node(), ns_, true));
    std::string_view at = text_at(step_, "at");
    if (!at.empty()) path += "/" + std::string(at);
    send(std::move(method), path);
    return {};
  }
  void send(std::string method, std::string path) {
    out_.request.method = std::move(method);
    out_.request.path = std::move(path);
    out_.writes = true;
  }
  void add_params(const std::string& params) {
    std::string& query = out_.request.query;
    if (!query.empty() && !params.empty()) query += '&';
    query += params;
  }
  std::string manager() const {
    std::string_view given = text_at(step_, "manager");
    return std::string(given.empty() ? "cases" : given);
  }
  void set_text_body(const Value& body, std::string_view media_type) {
    out_.request.body = text_of(body);
    out_.request.headers.set("content-type", media_type);
  }
  void set_body(const Value& body) {
    set_text_body(body, kJsonType);
    if (format_ != Format::kProtobuf) return;
    if (std::optional<std::string> bytes = protobuf_of(out_.request.body)) {
      out_.request.body = std::move(*bytes);
      out_.request.headers.set("content-type", kProtobufType);
    }
  }
  std::string accept() const {
    std::string_view as = text_at(step_, "as");
    bool table = as == "Table";
    std::string type(format_ == Format::kProtobuf && !table ? kProtobufType : kJsonType);
    if (!as.empty()) type += ";as=" + std::string(as) + ";g=meta.k8s.io;v=v1";
    return type;
  }
  void impersonate() {
    std::string_view user = text_at(step_, "user");
    if (user.empty()) return;
    out_.request.headers.set("impersonate-user", user);
    for (const Value& group : step_.find("groups").as_node().items()) {
      out_.request.headers.add("impersonate-group", group.as_text());
    }
  }

  const Node& step_;
  std::string_view ns_;
  Format format_;
  StepRequest out_;
};

}  // namespace

Result<std::string> path_of(std::string_view reference, std::string_view ns) {
  size_t slash = reference.find('/');
  const schema::Resource* resource = resource_named(reference.substr(0, slash));
  if (!resource) return ApiStatus::bad_request("no resource " + std::string(reference));
  std::string path = collection_path(*resource, ns);
  if (slash != std::string_view::npos) path += std::string(reference.substr(slash));
  return path;
}

Result<std::string> path_of_object(const Node& object, std::string_view ns, bool own) {
  auto [group, version] = group_version(text_at(object, "apiVersion"));
  const schema::Resource* resource =
      schema::find_resource_of_kind(group, version, text_at(object, "kind"));
  if (!resource) return ApiStatus::bad_request("no kind " + std::string(text_at(object, "kind")));
  const Node& meta = object.find("metadata").as_node();
  std::string_view own_ns = text_at(meta, "namespace");
  std::string path = collection_path(*resource, own_ns.empty() ? ns : own_ns);
  if (own) path += "/" + std::string(text_at(meta, "name"));
  return path;
}

Result<StepRequest> make_request(const Node& step, std::string_view ns, Format format) {
  return RequestMaker(step, ns, format).make();
}

}  // namespace tiphys::cases
