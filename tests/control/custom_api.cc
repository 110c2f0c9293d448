#include "tests/control/custom_api.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/codec.h"
#include "tests/cases/tree.h"

namespace tiphys::control {
namespace {

using cases::put_at;
using cases::value_at;
using std::string;
using Answer = CustomApi::Answer;

string quoted(std::string_view text) { return "\"" + string(text) + "\""; }

string list_of(const std::vector<string>& items) {
  std::vector<string> all;
  for (const string& item : items) all.push_back(quoted(item));
  return "[" + join(all, ",") + "]";
}

Answer failure(int code, string reason, string message, string name = "") {
  return {code,
          R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)" +
              quoted(message) + ",\"reason\":" + quoted(reason) + ",\"details\":{\"name\":" +
              quoted(name) + "},\"code\":" + std::to_string(code) + "}"};
}

Value parsed(const string& text, Arena& arena) {
  return codec::decode_json_any(text, arena).value_or(Value());
}

string text_at(const Value& object, std::string_view path) {
  return string(value_at(object, path).value_or(Value()).as_text());
}

void put_text(Arena& arena, Value& object, std::string_view path, std::string_view text) {
  (void)put_at(arena, object, path, arena.string(text));
}

std::vector<string> finalizers_of(const Value& object) {
  std::vector<string> all;
  Value list = value_at(object, "metadata.finalizers").value_or(Value());
  for (const Value& one : list.as_node().items()) all.emplace_back(one.as_text());
  return all;
}

void set_finalizers(Arena& arena, Value& object, const std::vector<string>& all) {
  Value list = all.empty() ? Value() : parsed(list_of(all), arena);
  (void)put_at(arena, object, "metadata.finalizers", list);
}

// RFC 7386.
Value merged(const Value& into, const Value& patch, Arena& arena) {
  if (patch.type != ValueType::kMap) return arena.clone(patch);
  Value result = into.type == ValueType::kMap ? into : arena.make(ValueType::kMap);
  auto items = patch.as_node().items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    string key(items[i].as_text());
    Value old = result.node->find(key);
    Value item = items[i + 1].is_null() ? Value() : merged(old, items[i + 1], arena);
    set_entry(arena, *result.node, key, item);
  }
  return result;
}

Answer not_found(const string& resource, const string& name) {
  return failure(404, "NotFound", resource + ".example.com '" + name + "' not found", name);
}

}  // namespace

bool CustomApi::Resource::serves(std::string_view verb) const {
  return std::ranges::find(verbs, verb) != verbs.end();
}

void CustomApi::change(const Node& step) {
  resources_.erase(string(step.find("drop").as_text()));
  if (!step.find("failing").is_null()) failing_ = step.find("failing").as_text();
  if (!step.find("malformed").is_null()) malformed_ = step.find("malformed").as_text();
  if (!step.find("legacy").is_null()) legacy_ = step.find("legacy").as_bool();
  if (step.find("resource").is_null()) return;
  Resource made;
  made.resource = step.find("resource").as_text();
  made.kind = step.find("kind").as_text();
  made.namespaced = !step.find("cluster").as_bool();
  made.scale = step.find("scale").as_bool();
  for (const Value& one : step.find("versions").as_node().items()) {
    made.versions.emplace_back(one.as_text());
  }
  for (const Value& one : step.find("verbs").as_node().items()) {
    made.verbs.emplace_back(one.as_text());
  }
  if (made.versions.empty()) made.versions = {"v1"};
  if (made.verbs.empty()) {
    made.verbs = {"create", "delete", "deletecollection", "get",
                  "list",   "patch",  "update",           "watch"};
  }
  resources_[made.resource] = std::move(made);
}

std::vector<string> CustomApi::versions() const {
  std::vector<string> all;
  for (const auto& [name, resource] : resources_) {
    for (const string& version : resource.versions) {
      if (std::ranges::find(all, version) == all.end()) all.push_back(version);
    }
  }
  return all;
}

string CustomApi::resources_json(const string& version, bool aggregated) const {
  std::vector<string> all;
  for (const auto& [name, one] : resources_) {
    if (std::ranges::find(one.versions, version) == one.versions.end()) continue;
    string verbs = ",\"verbs\":" + list_of(one.verbs);
    if (aggregated) {
      all.push_back(
          "{\"resource\":" + quoted(name) + ",\"responseKind\":{\"kind\":" + quoted(one.kind) +
          "},\"scope\":" + (one.namespaced ? "\"Namespaced\"" : "\"Cluster\"") + verbs + "}");
      continue;
    }
    string scope = string(",\"namespaced\":") + (one.namespaced ? "true" : "false");
    all.push_back("{\"name\":" + quoted(name) + ",\"kind\":" + quoted(one.kind) + scope + verbs +
                  "}");
    if (one.scale) {
      all.push_back("{\"name\":" + quoted(name + "/scale") + ",\"kind\":\"Scale\"" + scope +
                    ",\"verbs\":[\"get\",\"update\"]}");
    }
  }
  return "[" + join(all, ",") + "]";
}

string CustomApi::with_group(string document) const {
  if (resources_.empty() && malformed_.empty()) return document;
  std::vector<string> all;
  for (const string& version : versions()) {
    bool stale = version == failing_;
    string name = "\"version\":" + quoted(version);
    all.push_back(
        legacy_
            ? "{" + name + ",\"groupVersion\":" + quoted(string(kCustomGroup) + "/" + version) + "}"
            : "{" + name + ",\"freshness\":" + (stale ? "\"Stale\"" : "\"Current\"") +
                  ",\"resources\":" + (stale ? "[]" : resources_json(version, true)) + "}");
  }
  if (!malformed_.empty()) {
    all.push_back("{\"version\":\"v9\",\"groupVersion\":" + quoted(malformed_) + "}");
  }
  string name = quoted(kCustomGroup);
  string group = (legacy_ ? "{\"name\":" + name : "{\"metadata\":{\"name\":" + name + "}") +
                 ",\"versions\":[" + join(all, ",") + "]}";
  std::string_view list = legacy_ ? "\"groups\":[" : "\"items\":[";
  size_t at = document.find(list);
  if (at == string::npos) return document;
  at += list.size();
  return document.insert(at, group + (document[at] == ']' ? "" : ","));
}

std::optional<Answer> CustomApi::discovery(const string& path) const {
  string root = "/apis/" + string(kCustomGroup);
  if (path == root) {
    std::vector<string> all;
    for (const string& one : versions()) all.push_back("{\"version\":" + quoted(one) + "}");
    return Answer{200, "{\"kind\":\"APIGroup\",\"versions\":[" + join(all, ",") + "]}"};
  }
  for (const string& version : versions()) {
    if (path != root + "/" + version) continue;
    if (version == failing_) {
      return failure(503, "ServiceUnavailable",
                     "the server is currently unable to handle the request");
    }
    return Answer{
        200, "{\"kind\":\"APIResourceList\",\"resources\":" + resources_json(version, false) + "}"};
  }
  return std::nullopt;
}

std::optional<CustomApi::Target> CustomApi::target_of(const string& path) const {
  std::vector<std::string_view> parts = split(std::string_view(path).substr(1), '/');
  if (parts.size() < 4 || parts[0] != "apis" || parts[1] != kCustomGroup) return std::nullopt;
  Target target;
  target.version = parts[2];
  size_t at = 3;
  if (parts[at] == "namespaces" && parts.size() > at + 2) {
    target.ns = parts[at + 1];
    at += 2;
  }
  auto found = resources_.find(string(parts[at++]));
  if (found == resources_.end()) return Target();
  const std::vector<string>& served = found->second.versions;
  if (std::ranges::find(served, target.version) != served.end()) target.resource = &found->second;
  if (at < parts.size()) target.name = parts[at++];
  if (at < parts.size()) target.sub = parts[at++];
  return target;
}

string CustomApi::listed(const string& path) const {
  std::optional<Target> target = target_of(path);
  return target && target->resource && target->name.empty() ? target->resource->resource : "";
}

string CustomApi::versioned(const Target& target, const string& object) const {
  Arena arena;
  Value value = parsed(object, arena);
  put_text(arena, value, "apiVersion", string(kCustomGroup) + "/" + target.version);
  return cases::text_of(value);
}

void CustomApi::tell(const Resource& resource, string type, string object) {
  history_.push_back({revision_, resource.resource, std::move(type), std::move(object)});
  changed_.set();
}

Answer CustomApi::store(const Target& target, const string& name, Arena& arena, Value object) {
  Objects& objects = objects_[target.resource->resource];
  auto key = std::make_pair(target.ns, name);
  bool fresh = !objects.contains(key);
  bool gone =
      !text_at(object, "metadata.deletionTimestamp").empty() && finalizers_of(object).empty();
  put_text(arena, object, "metadata.resourceVersion", std::to_string(++revision_));
  string text = cases::text_of(object);
  objects[key] = text;
  if (gone) objects.erase(key);
  tell(*target.resource, gone ? "DELETED" : fresh ? "ADDED" : "MODIFIED", text);
  return {fresh ? 201 : 200, versioned(target, text)};
}

Answer CustomApi::list(const Target& target) {
  std::vector<string> items;
  for (const auto& [key, object] : objects_[target.resource->resource]) {
    if (target.ns.empty() || key.first == target.ns) items.push_back(versioned(target, object));
  }
  return {200, "{\"kind\":" + quoted(target.resource->kind + "List") +
                   ",\"apiVersion\":" + quoted(string(kCustomGroup) + "/" + target.version) +
                   ",\"metadata\":{\"resourceVersion\":" + quoted(std::to_string(revision_)) +
                   "},\"items\":[" + join(items, ",") + "]}"};
}

Answer CustomApi::create(const Target& target, const string& body) {
  Arena arena;
  Value object = parsed(body, arena);
  string name = text_at(object, "metadata.name");
  if (objects_[target.resource->resource].contains({target.ns, name})) {
    return failure(409, "AlreadyExists", name + " already exists", name);
  }
  if (!target.ns.empty()) put_text(arena, object, "metadata.namespace", target.ns);
  put_text(arena, object, "metadata.uid", random_.uuid());
  put_text(arena, object, "metadata.creationTimestamp", format_rfc3339(loop_.wall()));
  return store(target, name, arena, object);
}

Answer CustomApi::update(const Target& target, const string& body) {
  Arena arena;
  Value old = parsed(objects_[target.resource->resource][{target.ns, target.name}], arena);
  Value object = parsed(body, arena);
  string revision = text_at(object, "metadata.resourceVersion");
  if (!revision.empty() && revision != text_at(old, "metadata.resourceVersion")) {
    return failure(409, "Conflict", "the object has been modified", target.name);
  }
  for (const char* kept : {"metadata.uid", "metadata.namespace", "metadata.creationTimestamp",
                           "metadata.deletionTimestamp"}) {
    if (string text = text_at(old, kept); !text.empty()) put_text(arena, object, kept, text);
  }
  return store(target, target.name, arena, object);
}

Answer CustomApi::patch(const Target& target, const string& body) {
  Arena arena;
  Value old = parsed(objects_[target.resource->resource][{target.ns, target.name}], arena);
  Value patch = parsed(body, arena);
  return update(target, cases::text_of(merged(old, patch, arena)));
}

Answer CustomApi::remove(const Target& target, const string& name, const string& options) {
  Arena arena;
  Value object = parsed(objects_[target.resource->resource][{target.ns, name}], arena);
  Value asked = parsed(options, arena);
  string uid = text_at(asked, "preconditions.uid");
  if (!uid.empty() && uid != text_at(object, "metadata.uid")) {
    return failure(409, "Conflict", "the UID in the precondition differs", name);
  }
  std::vector<string> finalizers = finalizers_of(object);
  string policy = text_at(asked, "propagationPolicy");
  string duty = policy == "Foreground" ? "foregroundDeletion" : policy == "Orphan" ? "orphan" : "";
  bool added = !duty.empty() && std::ranges::find(finalizers, duty) == finalizers.end();
  if (added) finalizers.push_back(duty);
  bool fresh = text_at(object, "metadata.deletionTimestamp").empty();
  if (!fresh && !added) return {200, versioned(target, cases::text_of(object))};
  set_finalizers(arena, object, finalizers);
  if (fresh) {
    put_text(arena, object, "metadata.deletionTimestamp", format_rfc3339(loop_.wall()));
  }
  return store(target, name, arena, object);
}

Answer CustomApi::remove_all(const Target& target, const string& options) {
  Objects all = objects_[target.resource->resource];
  for (const auto& [key, object] : all) {
    if (!target.ns.empty() && key.first != target.ns) continue;
    Target one = target;
    one.ns = key.first;
    (void)remove(one, key.second, options);
  }
  return list(target);
}

Answer CustomApi::scale(const Target& target, const string* body) {
  Arena arena;
  Value object = parsed(objects_[target.resource->resource][{target.ns, target.name}], arena);
  if (body) {
    Value asked = parsed(*body, arena);
    (void)put_at(arena, object, "spec.replicas",
                 value_at(asked, "spec.replicas").value_or(Value::of_int(0)));
    Answer stored = store(target, target.name, arena, object);
    object = parsed(stored.body, arena);
  }
  auto number = [&object](std::string_view path) {
    return std::to_string(value_at(object, path).value_or(Value()).as_int());
  };
  string ns = target.ns.empty() ? "" : ",\"namespace\":" + quoted(target.ns);
  return {200, R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":)" +
                   quoted(target.name) + ns +
                   ",\"uid\":" + quoted(text_at(object, "metadata.uid")) +
                   ",\"resourceVersion\":" + quoted(text_at(object, "metadata.resourceVersion")) +
                   "},\"spec\":{\"replicas\":" + number("spec.replicas") +
                   "},\"status\":{\"replicas\":" + number("status.replicas") +
                   ",\"selector\":" + quoted(text_at(object, "status.selector")) + "}}"};
}

std::optional<Answer> CustomApi::handle(const string& method, const string& path,
                                        const string& query, const string& body,
                                        const string& content_type) {
  if (method == "GET") {
    if (std::optional<Answer> document = discovery(path)) return document;
  }
  std::optional<Target> found = target_of(path);
  if (!found) return std::nullopt;
  const Target& target = *found;
  if (!target.resource || target.version == failing_) {
    return failure(404, "NotFound", "the server could not find the requested resource");
  }
  const Resource& resource = *target.resource;
  bool whole = target.name.empty();
  string verb = method == "GET"     ? (whole ? "list" : "get")
                : method == "POST"  ? "create"
                : method == "PUT"   ? "update"
                : method == "PATCH" ? "patch"
                : whole             ? "deletecollection"
                                    : "delete";
  if (!resource.serves(verb)) {
    return failure(405, "MethodNotAllowed",
                   "the server does not allow this method on the requested resource");
  }
  if (verb == "list") return list(target);
  if (verb == "create") return create(target, body);
  if (whole) return remove_all(target, body);
  if (!objects_[resource.resource].contains({target.ns, target.name})) {
    return not_found(resource.resource, target.name);
  }
  if (!target.sub.empty() && !(target.sub == "scale" && resource.scale)) {
    return failure(404, "NotFound", "the server could not find the requested resource");
  }
  if (!target.sub.empty()) return scale(target, method == "PUT" ? &body : nullptr);
  if (verb == "patch" && content_type != "application/merge-patch+json") {
    return failure(415, "UnsupportedMediaType", "the body of the request was in an unknown format");
  }
  if (verb == "patch") return patch(target, body);
  if (verb == "update") return update(target, body);
  if (verb == "delete") return remove(target, target.name, body);
  return Answer{200, versioned(target, objects_[resource.resource][{target.ns, target.name}])};
}

}  // namespace tiphys::control
