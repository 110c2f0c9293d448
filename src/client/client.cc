#include "client/client.h"

#include "base/strings.h"
#include "client/object_key.h"
#include "codec/codec.h"

namespace tiphys::client {

namespace {

class Query {
 public:
  Query& add(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    if (!text_.empty()) text_ += '&';
    text_ += name;
    text_ += '=';
    text_ += percent_encode(value);
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

Query list_query(const ListOptions& options) {
  Query query;
  query.add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector);
  if (options.limit > 0) query.add("limit", std::to_string(options.limit));
  query.add("continue", options.continue_token);
  query.add("resourceVersion", options.resource_version);
  return query;
}

ObjectPtr delete_options(const DeleteOptions& options) {
  bool plain = !options.grace_period_seconds && options.uid.empty() &&
               options.resource_version.empty() && options.propagation_policy.empty();
  if (plain) return nullptr;
  Draft draft = meta_v1::DeleteOptions::make();
  meta_v1::DeleteOptionsEdit edit(draft);
  if (options.grace_period_seconds) edit.set_grace_period_seconds(*options.grace_period_seconds);
  if (!options.uid.empty()) edit.edit_preconditions().set_uid(options.uid);
  if (!options.resource_version.empty()) {
    edit.edit_preconditions().set_resource_version(options.resource_version);
  }
  if (!options.propagation_policy.empty()) {
    edit.set_propagation_policy(options.propagation_policy);
  }
  return draft.freeze();
}

std::string_view content_type(PatchType type) {
  switch (type) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategic:
      return "application/strategic-merge-patch+json";
    case PatchType::kApply:
      return "application/apply-patch+yaml";
  }
  return "";
}

bool is_untyped(const schema::Resource& resource) {
  return !resource.message || resource.message == &meta_v1::PartialObjectMetadata::message();
}

// What is asked of a resource that the schema doesn't know, in the form that any server answers.
void mark_untyped(const schema::Resource& resource, std::string_view subresource, Request::As as,
                  Request& request) {
  if (!is_untyped(resource)) return;
  request.json_body = true;
  if (resource.message && subresource.empty()) request.as = as;
}

// Items of a list object, each as an object of its own.
ListResult split_list(const Object& list) {
  ListResult result;
  const Node& root = list.root();
  if (list.type().metadata_field >= 0) {
    meta_v1::ListMeta meta(root.field(static_cast<uint16_t>(list.type().metadata_field)).as_node());
    result.resource_version = meta.resource_version();
    result.continue_token = meta.continue_();
  }
  const schema::Field* field = list.type().find("items");
  const schema::Message* type = field ? field->message : nullptr;
  if (!type) return result;
  const Node& items = root.field(list.type().index_of(*field)).as_node();
  result.items.reserve(items.size);
  for (const Value& item : items.items()) {
    result.items.push_back(Object::pack(*type, type->gvk, item.as_node()));
  }
  return result;
}

Task<Result<ObjectPtr>> object_answer(Transport& transport, Request request) {
  Result<Response> response = co_await transport.send(std::move(request));
  if (!response) co_return response.error();
  co_return response->object;
}

}  // namespace

bool is_initial_end(const WatchEvent& event) {
  return event.type == WatchEvent::Type::kBookmark && event.object &&
         metadata(*event.object).annotations().find("k8s.io/initial-events-end") == "true";
}

std::string resource_path(const schema::Resource& resource, std::string_view ns,
                          std::string_view name, std::string_view subresource) {
  std::string path =
      resource.group.empty() ? "/api/" : "/apis/" + std::string(resource.group) + "/";
  path += resource.version;
  if (!ns.empty()) path += "/namespaces/" + percent_encode(ns);
  path += '/';
  path += resource.resource;
  if (!name.empty()) path += "/" + percent_encode(name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

Client::Client(Transport& transport, std::string component)
    : transport_(transport), component_(std::move(component)) {}

std::string Client::write_query() const { return Query().add("fieldManager", component_).take(); }

Task<Result<ObjectPtr>> Client::get(const schema::Resource& resource, std::string ns,
                                    std::string name, std::string subresource) {
  Request request{.method = "GET", .path = resource_path(resource, ns, name, subresource)};
  mark_untyped(resource, subresource, Request::As::kMetadata, request);
  return object_answer(transport_, std::move(request));
}

Task<Result<ListResult>> Client::list(const schema::Resource& resource, std::string ns,
                                      ListOptions options) {
  Request request{.method = "GET", .path = resource_path(resource, ns)};
  request.query = list_query(options).take();
  mark_untyped(resource, "", Request::As::kMetadataList, request);
  Result<Response> response = co_await transport_.send(std::move(request));
  if (!response) co_return response.error();
  if (response->list) {
    ListAnswer& list = *response->list;
    co_return ListResult{std::move(list.items), std::move(list.resource_version),
                         std::move(list.continue_token)};
  }
  if (!response->object) co_return ApiStatus::internal("the server answered a list with nothing");
  co_return split_list(*response->object);
}

Task<Result<ObjectPtr>> Client::create(const schema::Resource& resource, std::string ns,
                                       ObjectPtr object) {
  Request request{.method = "POST", .path = resource_path(resource, ns), .query = write_query()};
  request.object = std::move(object);
  return object_answer(transport_, std::move(request));
}

Task<Result<ObjectPtr>> Client::update(const schema::Resource& resource, ObjectPtr object,
                                       std::string subresource) {
  meta_v1::ObjectMeta meta = metadata(*object);
  Request request{.method = "PUT",
                  .path = resource_path(resource, meta.namespace_(), meta.name(), subresource),
                  .query = write_query()};
  request.object = std::move(object);
  mark_untyped(resource, subresource, Request::As::kMetadata, request);
  return object_answer(transport_, std::move(request));
}

Task<Result<ObjectPtr>> Client::patch(const schema::Resource& resource, std::string ns,
                                      std::string name, PatchType type, std::string body,
                                      std::string subresource) {
  Request request{.method = "PATCH",
                  .path = resource_path(resource, ns, name, subresource),
                  .query = write_query()};
  request.body = std::move(body);
  request.content_type = content_type(type);
  mark_untyped(resource, subresource, Request::As::kMetadata, request);
  return object_answer(transport_, std::move(request));
}

Task<Result<ObjectPtr>> Client::remove(const schema::Resource& resource, std::string ns,
                                       std::string name, DeleteOptions options) {
  Request request{.method = "DELETE", .path = resource_path(resource, ns, name)};
  request.object = delete_options(options);
  mark_untyped(resource, "", Request::As::kMetadata, request);
  return object_answer(transport_, std::move(request));
}

Task<Result<ObjectPtr>> Client::remove_collection(const schema::Resource& resource, std::string ns,
                                                  ListOptions which, DeleteOptions options) {
  Request request{.method = "DELETE", .path = resource_path(resource, ns)};
  request.query = list_query(which).take();
  request.object = delete_options(options);
  mark_untyped(resource, "", Request::As::kMetadataList, request);
  return object_answer(transport_, std::move(request));
}

Task<Result<ObjectPtr>> Client::create_subresource(const schema::Resource& resource, std::string ns,
                                                   std::string name, std::string subresource,
                                                   ObjectPtr object) {
  Request request{.method = "POST",
                  .path = resource_path(resource, ns, name, subresource),
                  .query = write_query()};
  request.object = std::move(object);
  return object_answer(transport_, std::move(request));
}

// A transport that hands over objects gives those; a list's items are enough of a list.
Task<Result<std::string>> Client::get_json(std::string path, std::string query,
                                           std::string accept) {
  Request request{.method = "GET", .path = std::move(path), .query = std::move(query)};
  request.as_text = true;
  request.accept = std::move(accept);
  Result<Response> response = co_await transport_.send(std::move(request));
  if (!response) co_return response.error();
  if (response->object) co_return *codec::encode_shared(codec::Format::kJson, *response->object);
  if (!response->list) co_return std::move(response->body);
  std::string text = "{\"items\":[";
  for (const ObjectPtr& item : response->list->items) {
    if (text.back() == '}') text += ',';
    text += *codec::encode_shared(codec::Format::kJson, *item);
  }
  co_return text + "]}";
}

Task<Result<std::unique_ptr<WatchStream>>> Client::watch(const schema::Resource& resource,
                                                         std::string ns, ListOptions options,
                                                         StopToken stop) {
  Query query = list_query(options);
  query.add("watch", "true").add("allowWatchBookmarks", "true");
  if (options.timeout_seconds > 0) {
    query.add("timeoutSeconds", std::to_string(options.timeout_seconds));
  }
  if (options.send_initial_events) {
    query.add("sendInitialEvents", "true").add("resourceVersionMatch", "NotOlderThan");
  }
  Request request{.method = "GET", .path = resource_path(resource, ns), .query = query.take()};
  request.stop = std::move(stop);
  mark_untyped(resource, "", Request::As::kMetadata, request);
  return transport_.watch(std::move(request));
}

}  // namespace tiphys::client
