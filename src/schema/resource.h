// Resource: what the API server serves, from api/v1.35/resources.json. Static tables.
#pragma once
#include <span>
#include <string_view>

#include "schema/message.h"

namespace tiphys::schema {

struct Resource;

struct Subresource {
  std::string_view name;  // "status"
  GroupVersionKind gvk;   // kind of its body, group may differ (autoscaling/v1 Scale)
  std::span<const std::string_view> verbs;
};

struct Resource {
  std::string_view group;
  std::string_view version;
  std::string_view resource;  // plural
  std::string_view singular;
  std::string_view kind;
  bool namespaced = false;
  bool served_by_default = false;
  bool preferred_version = false;  // first served version of its group
  std::span<const std::string_view> verbs;
  std::span<const std::string_view> short_names;
  std::span<const std::string_view> categories;
  std::span<const Subresource> subresources;
  const Message* message = nullptr;       // of kind
  const Message* list_message = nullptr;  // of kind + "List"; null if the kind isn't listed
  const Kind* type = nullptr;
  const Kind* list_type = nullptr;
  // Where and how it is stored; empty prefix: not stored (reviews, bindings).
  std::string_view etcd_prefix;  // "/registry/pods"
  GroupVersionKind storage_gvk;
  const Message* storage_message = nullptr;
  std::string_view storage_version_hash;
  int group_order = 0;  // discovery order
  int version_order = 0;

  bool has_verb(std::string_view verb) const;
  const Subresource* find_subresource(std::string_view name) const;
};

// In discovery order.
std::span<const Resource> all_resources();
const Resource* find_resource(std::string_view group, std::string_view version,
                              std::string_view resource);
// The resource of a kind, or null.
const Resource* find_resource_of_kind(std::string_view group, std::string_view version,
                                      std::string_view kind);

}  // namespace tiphys::schema
