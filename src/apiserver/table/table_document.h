// The meta.k8s.io/v1 Table of some objects, as JSON text (a Table has no other wire format but
// YAML, made from this). Pure.
#pragma once
#include <string>
#include <vector>

#include "base/time.h"
#include "object/object.h"

namespace tiphys::apiserver {

enum class IncludeObject : uint8_t { kMetadata, kObject, kNone };  // includeObject=

struct TableOptions {
  IncludeObject include = IncludeObject::kMetadata;
  bool headers = true;  // false: no columnDefinitions (watch events after the first)
  // List metadata; for a single object its resourceVersion.
  std::string resource_version;
  std::string continue_token;
  int64_t remaining = -1;  // remainingItemCount; -1: none
};

// All objects are of `type` and carry their gvk if they are to show kind and apiVersion.
std::string table_json(const schema::Message& type, const std::vector<ObjectPtr>& objects,
                       const TableOptions& options, MicroTime now);

// {"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{...}}
void append_partial_metadata(const Object& object, std::string& json);

}  // namespace tiphys::apiserver
