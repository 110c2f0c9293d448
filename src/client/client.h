// Client: the Kubernetes REST verbs over a Transport. Stateless; loop thread only.
//
// Errors are the server's (ApiStatus), or ServiceUnavailable when it can't be reached.
// `ns` is "" for cluster-scoped resources, and for list over all namespaces.
// A resource that the schema doesn't know (untyped_resource.h) has objects of the type
// PartialObjectMetadata: all that is asked of the server is their metadata, as upstream's metadata
// client does. They can be patched and deleted, not created or updated; a subresource's object has
// a type of its own ("scale").
#pragma once
#include <string>
#include <vector>

#include "client/transport.h"
#include "schema/resource.h"

namespace tiphys::client {

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  int64_t limit = 0;
  std::string continue_token;
  std::string resource_version;
  int64_t timeout_seconds = 0;  // watches only; 0: the server's choice
  // Watches: the newest state as events, then a bookmark that is_initial_end(), then what changes
  // (KEP-3157). Informers: their first list is that, one request instead of pages; where the server
  // doesn't know it, they list.
  bool send_initial_events = false;
};

struct ListResult {
  std::vector<ObjectPtr> items;
  std::string resource_version;
  std::string continue_token;
};

struct DeleteOptions {
  std::optional<int64_t> grace_period_seconds;
  std::string uid;                 // precondition, "" none
  std::string resource_version;    // precondition, "" none
  std::string propagation_policy;  // Background, Foreground, Orphan, "" default
};

enum class PatchType { kJson, kMerge, kStrategic, kApply };

class Client {
 public:
  // user_agent and field manager: the component's name ("kube-scheduler").
  Client(Transport& transport, std::string component);

  Task<Result<ObjectPtr>> get(const schema::Resource& resource, std::string ns, std::string name,
                              std::string subresource = "");
  Task<Result<ListResult>> list(const schema::Resource& resource, std::string ns,
                                ListOptions options = {});
  Task<Result<ObjectPtr>> create(const schema::Resource& resource, std::string ns,
                                 ObjectPtr object);
  // The name and namespace are the object's; subresource "" or "status", "scale"...
  Task<Result<ObjectPtr>> update(const schema::Resource& resource, ObjectPtr object,
                                 std::string subresource = "");
  Task<Result<ObjectPtr>> patch(const schema::Resource& resource, std::string ns, std::string name,
                                PatchType type, std::string body, std::string subresource = "");
  Task<Result<ObjectPtr>> remove(const schema::Resource& resource, std::string ns, std::string name,
                                 DeleteOptions options = {});
  // Deletes every object that `which` selects (deletecollection).
  Task<Result<ObjectPtr>> remove_collection(const schema::Resource& resource, std::string ns,
                                            ListOptions which = {}, DeleteOptions options = {});
  // POST to a subresource: "binding", "eviction", "token".
  Task<Result<ObjectPtr>> create_subresource(const schema::Resource& resource, std::string ns,
                                             std::string name, std::string subresource,
                                             ObjectPtr object);
  // From resource_version on ("" : from now with initial events), bookmarks on.
  Task<Result<std::unique_ptr<WatchStream>>> watch(const schema::Resource& resource, std::string ns,
                                                   ListOptions options, StopToken stop);
  // GET of any path ("/apis/metrics.k8s.io/v1beta1/nodes", query encoded): the answer as JSON text,
  // for kinds that this project has no types for. accept: "" for plain JSON.
  Task<Result<std::string>> get_json(std::string path, std::string query = "",
                                     std::string accept = "");
  const std::string& component() const { return component_; }
  Transport& transport() { return transport_; }

 private:
  std::string write_query() const;

  Transport& transport_;
  std::string component_;
};

// Is the event the bookmark after the initial events?
bool is_initial_end(const WatchEvent& event);

// "/apis/apps/v1/namespaces/NS/deployments/NAME/SUB", parts percent-encoded, empty ones left out.
std::string resource_path(const schema::Resource& resource, std::string_view ns,
                          std::string_view name = {}, std::string_view subresource = {});

}  // namespace tiphys::client
