// Admission: plugins that may change (mutate) and refuse (validate) a write. Loop thread only.
//
// The registry calls every plugin's mutate in order, applies defaults again, validates the object
// with its strategy, then calls every plugin's validate. A plugin acts only on what it handles.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/audit/annotations.h"
#include "apiserver/lookup.h"
#include "apiserver/user.h"
#include "async/loop.h"
#include "base/result.h"
#include "base/time.h"
#include "object/object.h"

namespace tiphys::apiserver {

struct AdmissionRequest {
  enum class Operation : uint8_t { kCreate, kUpdate, kDelete, kConnect };
  Operation operation = Operation::kCreate;
  const schema::Resource* resource = nullptr;
  std::string_view subresource;  // "" for the object itself
  std::string ns;
  std::string name;  // may be empty on create with generateName
  const UserInfo* user = nullptr;
  Draft* object = nullptr;  // create, update: the new object (mutable in mutate); else null
  ObjectPtr old_object;     // update, delete
  ObjectPtr options;        // create/update/delete options, may be null
  bool dry_run = false;
  MicroTime now = 0;
  std::vector<std::string>* warnings = nullptr;     // texts for Warning headers
  audit::Annotations* audit_annotations = nullptr;  // null: the request is not audited
};

class AdmissionPlugin {
 public:
  virtual ~AdmissionPlugin() = default;
  virtual std::string_view name() const = 0;  // upstream's ("NamespaceLifecycle")
  virtual Task<Result<void>> mutate(AdmissionRequest& request);    // default: nothing
  virtual Task<Result<void>> validate(AdmissionRequest& request);  // default: nothing
};

}  // namespace tiphys::apiserver
