#include "apiserver/managed_fields/reset_fields.h"

#include "apiserver/registry/status_rules.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kAny = "*";

// A subresource that owns these paths and what is below them only.
struct OwnedPath {
  std::string_view subresource;
  std::span<const std::string_view> path;
};

constexpr std::string_view kEphemeral[] = {"f:spec", "f:ephemeralContainers"};
constexpr std::string_view kResources[] = {"f:spec", "f:containers", kAny, "f:resources"};
constexpr std::string_view kPolicy[] = {"f:spec", "f:containers", kAny, "f:resizePolicy"};
constexpr std::string_view kInitResources[] = {"f:spec", "f:initContainers", kAny, "f:resources"};
constexpr std::string_view kInitPolicy[] = {"f:spec", "f:initContainers", kAny, "f:resizePolicy"};

constexpr OwnedPath kOwnedPaths[] = {
    {"ephemeralcontainers", kEphemeral}, {"resize", kResources},  {"resize", kPolicy},
    {"resize", kInitResources},          {"resize", kInitPolicy},
};

// What a kind's subresource never sets beyond the common rules.
struct ResetPath {
  std::string_view resource;
  std::string_view subresource;
  std::span<const std::string_view> path;
};

constexpr std::string_view kSpec[] = {"f:spec"};
constexpr std::string_view kStatus[] = {"f:status"};
constexpr std::string_view kConditions[] = {"f:status", "f:conditions"};
constexpr std::string_view kCertificate[] = {"f:status", "f:certificate"};

constexpr ResetPath kResetPaths[] = {
    {"namespaces", "finalize", kStatus},
    {"certificatesigningrequests", "", kSpec},
    {"certificatesigningrequests", "status", kConditions},
    {"certificatesigningrequests", "approval", kSpec},
    {"certificatesigningrequests", "approval", kCertificate},
};

bool is_below(const FieldSet::Path& path, std::span<const std::string_view> prefix) {
  if (path.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    if (prefix[i] != kAny && prefix[i] != path[i]) return false;
  }
  return true;
}

void keep_owned_paths(std::string_view subresource, FieldSet& set) {
  FieldSet kept;
  for (const FieldSet::Path& path : set.paths()) {
    for (const OwnedPath& owned : kOwnedPaths) {
      if (owned.subresource == subresource && is_below(path, owned.path)) kept.insert(path);
    }
  }
  set = std::move(kept);
}

void remove_all_but_status(const schema::Message& type, const schema::Resource& resource,
                           FieldSet& set) {
  for (size_t i = 0; i < type.fields.size(); ++i) {
    bool kept = static_cast<int16_t>(i) == type.status_field ||
                static_cast<int16_t>(i) == type.metadata_field;
    if (!kept) set.remove_below({"f:" + std::string(type.fields[i].name)});
  }
  for (std::string_view name : metadata_kept_by_status(resource)) {
    set.remove_below({"f:metadata", "f:" + std::string(name)});
  }
}

}  // namespace

void remove_reset_fields(const schema::Message& type, const schema::Resource& resource,
                         std::string_view subresource, FieldSet& set) {
  for (const ResetPath& reset : kResetPaths) {
    if (reset.resource != resource.resource || reset.subresource != subresource) continue;
    set.remove_below(FieldSet::Path(reset.path.begin(), reset.path.end()));
  }
  if (subresource == "status") return remove_all_but_status(type, resource, set);
  if (subresource == "ephemeralcontainers" || subresource == "resize") {
    return keep_owned_paths(subresource, set);
  }
  if (subresource.empty() && type.status_field >= 0 && resource.find_subresource("status")) {
    set.remove_below({"f:status"});
  }
}

}  // namespace tiphys::apiserver
