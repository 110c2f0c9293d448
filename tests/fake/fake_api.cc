#include "tests/fake/fake_api.h"

#include <cassert>

#include "base/strings.h"
#include "client/object_key.h"
#include "codec/codec.h"
#include "kinds/core_v1.h"
#include "tests/fake/fake_discovery.h"
#include "tests/fake/fake_watch.h"

namespace tiphys::fake {

using client::metadata;
using client::Request;
using client::Response;

namespace {

struct Target {
  const schema::Resource* resource = nullptr;
  std::string ns;
  std::string name;
  std::string sub;
};

Target parse_target(std::string_view path) {
  std::vector<std::string> parts;
  for (std::string_view part : split(path.substr(1), '/')) {
    parts.push_back(percent_decode(part, false).value_or(""));
  }
  Target target;
  if (parts.size() < 3) return target;
  size_t at = parts[0] == "api" ? 1 : 2;
  std::string group = parts[0] == "api" ? "" : parts[1];
  std::string version = parts[at++];
  bool in_namespace = at + 2 < parts.size() && parts[at] == "namespaces" &&
                      schema::find_resource(group, version, parts[at + 2]);
  if (in_namespace) {
    target.ns = parts[at + 1];
    at += 2;
  }
  target.resource = schema::find_resource(group, version, parts[at++]);
  if (at < parts.size()) target.name = parts[at++];
  if (at < parts.size()) target.sub = parts[at++];
  return target;
}

std::string query_value(std::string_view query, std::string_view name) {
  for (std::string_view term : split(query, '&')) {
    size_t at = term.find('=');
    if (at != term.npos && term.substr(0, at) == name) {
      return percent_decode(term.substr(at + 1), true).value_or("");
    }
  }
  return {};
}

Selection selection_of(const Target& target, std::string_view query) {
  return {target.resource, target.ns, query_value(query, "labelSelector"),
          query_value(query, "fieldSelector")};
}

// RFC 7386; good enough for the strategic merge patches that clients in this project send.
Value merge(const Value& into, const Value& patch, Arena& arena) {
  if (patch.type != ValueType::kMap) return arena.clone(patch);
  Value result = into.type == ValueType::kMap ? into : arena.make(ValueType::kMap);
  auto items = patch.as_node().items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    std::string key(items[i].as_text());
    Value old = result.node->find(key);
    Value item = items[i + 1].is_null() ? Value() : merge(old, items[i + 1], arena);
    set_entry(arena, *result.node, key, item);
  }
  return result;
}

Result<ObjectPtr> patched(const Object& old, const std::string& body) {
  Draft draft(old);
  std::string text;
  codec::encode_json(old.type(), old.root(), text);
  TIPHYS_TRY(Value, tree, codec::decode_json_any(text, draft.arena()));
  TIPHYS_TRY(Value, patch, codec::decode_json_any(body, draft.arena()));
  Value merged = merge(tree, patch, draft.arena());
  std::string result;
  codec::encode_json_any(merged, result);
  TIPHYS_TRY(Node*, root, codec::decode_json(result, old.type(), draft.arena(), nullptr));
  draft.set_root(root);
  return draft.freeze();
}

}  // namespace

FakeApi::FakeApi(Loop& loop, uint64_t seed) : loop_(loop), store_(seed) {}
FakeApi::~FakeApi() = default;

void FakeApi::tell_watches() {
  for (FakeWatch* watch : watches_) watch->wake();
}

void FakeApi::break_watches() {
  for (FakeWatch* watch : watches_) watch->break_off();
}

Result<Response> FakeApi::answer(const Request& request) {
  if (request.path == "/api" || request.path == "/apis") {
    Response document;
    document.body = discovery_document(request.path == "/api");
    return document;
  }
  Target target = parse_target(request.path);
  if (!target.resource) return ApiStatus(404, "NotFound", "the server could not find the resource");
  const schema::Resource& resource = *target.resource;
  Response response;
  auto give = [&](Result<ObjectPtr> object) -> Result<Response> {
    if (!object) return object.error();
    response.object = std::move(*object);
    return std::move(response);
  };
  if (request.method == "GET" && target.name.empty()) {
    Selection selection = selection_of(target, request.query);
    client::ListAnswer list;
    for (const auto& [key, object] : store_.objects(resource)) {
      if (selection.matches(*object)) list.items.push_back(object);
    }
    list.resource_version = std::to_string(store_.revision());
    response.list = std::move(list);
    return response;
  }
  ObjectPtr old = store_.get(resource, target.ns, target.name);
  if (request.method == "GET" || request.method == "PATCH" || target.sub == "binding") {
    if (!old) return ApiStatus::not_found(resource.group, resource.resource, target.name);
  }
  if (request.method == "GET") return give(old);
  if (request.method == "POST" && target.sub == "binding") {
    Draft draft(*old);
    std::string node(core_v1::Binding(*request.object).target().name());
    core_v1::PodEdit(draft).edit_spec().set_node_name(node);
    return give(store_.update(resource, draft.freeze(), ""));
  }
  if (request.method == "POST" && target.sub == "eviction") {
    return give(store_.remove(resource, target.ns, target.name, nullptr, loop_.wall()));
  }
  if (request.method == "POST") {
    return give(store_.create(resource, target.ns, request.object, loop_.wall()));
  }
  if (request.method == "PUT") return give(store_.update(resource, request.object, target.sub));
  if (request.method == "PATCH") {
    Result<ObjectPtr> object = patched(*old, request.body);
    if (!object) return object.error();
    return give(store_.update(resource, *object, target.sub));
  }
  if (request.method != "DELETE") return ApiStatus::method_not_allowed(request.method);
  if (!target.name.empty()) {
    return give(
        store_.remove(resource, target.ns, target.name, request.object.get(), loop_.wall()));
  }
  Selection selection = selection_of(target, request.query);
  FakeStore::Objects all = store_.objects(resource);
  for (const auto& [key, object] : all) {
    if (!selection.matches(*object)) continue;
    Result<ObjectPtr> removed =
        store_.remove(resource, key.first, key.second, request.object.get(), loop_.wall());
    if (!removed) return removed.error();
  }
  return response;
}

Task<Result<Response>> FakeApi::send(Request request) {
  ++requests_;
  if (delay_ > Duration::zero()) {
    co_await sleep_for(loop_, delay_);
  } else {
    co_await yield(loop_);
  }
  if (before) {
    std::optional<ApiStatus> failure = before(request);
    if (failure) co_return *failure;
  }
  int64_t revision = store_.revision();
  Result<Response> result = answer(request);
  if (store_.revision() != revision) {
    writes_.push_back(request.method + " " + request.path);
    tell_watches();
  }
  if (after) {
    std::optional<ApiStatus> failure = after(request);
    if (failure) co_return *failure;
  }
  co_return result;
}

Task<Result<std::unique_ptr<client::WatchStream>>> FakeApi::watch(Request request) {
  ++requests_;
  co_await yield(loop_);
  if (before) {
    std::optional<ApiStatus> failure = before(request);
    if (failure) co_return *failure;
  }
  Target target = parse_target(request.path);
  if (!target.resource) {
    co_return ApiStatus(404, "NotFound", "the server could not find the requested resource");
  }
  bool initial = query_value(request.query, "sendInitialEvents") == "true";
  if (initial) {
    co_return std::make_unique<FakeWatch>(*this, selection_of(target, request.query),
                                          store_.revision(), true);
  }
  int64_t from = parse_int(query_value(request.query, "resourceVersion")).value_or(0);
  if (from < store_.compacted()) co_return ApiStatus::expired("too old resource version");
  co_return std::make_unique<FakeWatch>(*this, selection_of(target, request.query), from);
}

ObjectPtr FakeApi::put(const schema::Resource& resource, ObjectPtr object) {
  meta_v1::ObjectMeta meta = metadata(*object);
  std::string ns(meta.namespace_());
  if (store_.get(resource, ns, std::string(meta.name()))) {
    Result<ObjectPtr> updated = store_.update(resource, object, "");
    if (updated && resource.find_subresource("status")) {
      Draft draft(*object);
      client::edit_metadata(draft).clear_resource_version();
      updated = store_.update(resource, draft.freeze(), "status");
    }
    tell_watches();
    assert(updated);
    return *updated;
  }
  Result<ObjectPtr> created = store_.create(resource, ns, object, loop_.wall());
  tell_watches();
  assert(created);
  return *created;
}

ObjectPtr FakeApi::get(const schema::Resource& resource, std::string_view ns,
                       std::string_view name) const {
  return store_.get(resource, std::string(ns), std::string(name));
}

std::vector<ObjectPtr> FakeApi::list(const schema::Resource& resource, std::string_view ns) const {
  std::vector<ObjectPtr> result;
  for (const auto& [key, object] : store_.objects(resource)) {
    if (ns.empty() || key.first == ns) result.push_back(object);
  }
  return result;
}

void FakeApi::remove(const schema::Resource& resource, std::string_view ns, std::string_view name,
                     std::string_view policy) {
  Draft options = meta_v1::DeleteOptions::make();
  if (!policy.empty()) meta_v1::DeleteOptionsEdit(options).set_propagation_policy(policy);
  ObjectPtr frozen = options.freeze();
  (void)store_.remove(resource, std::string(ns), std::string(name), frozen.get(), loop_.wall());
  tell_watches();
}

void FakeApi::finish_deleted_pods() {
  const schema::Resource& pods = *schema::find_resource("", "v1", "pods");
  for (const ObjectPtr& pod : list(pods)) {
    meta_v1::ObjectMeta meta = metadata(*pod);
    if (!meta.has_deletion_timestamp()) continue;
    store_.erase(pods, std::string(meta.namespace_()), std::string(meta.name()));
  }
  tell_watches();
}

}  // namespace tiphys::fake
