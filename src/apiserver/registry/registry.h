// Registry: create, update and delete of stored objects of every kind, over the store and the
// watch caches: metadata rules, strategies, defaults, admission, allocation, optimistic
// concurrency.
//
// Loop thread only. Upstream: k8s.io/apiserver/pkg/registry/generic/registry.Store and rest/*.
// Writes are visible in the cachers when the call returns.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/cacher/cacher_hub.h"
#include "apiserver/registry/preconditions.h"
#include "apiserver/registry/service_addresses.h"
#include "apiserver/registry/service_allocator.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/user.h"
#include "async/loop.h"
#include "base/random.h"
#include "base/result.h"
#include "storage/store.h"

namespace tiphys::apiserver {

inline constexpr int kMaxNameAttempts = 8;       // upstream's maxNameGenerationCreateAttempts
inline constexpr int kMaxConflictAttempts = 64;  // of one GuaranteedUpdate

// What the writes of one request share. The pointers outlive the call.
struct WriteScope {
  const schema::Resource* resource = nullptr;  // of the request's version
  std::string subresource;
  std::string ns;
  std::string name;
  const UserInfo* user = nullptr;
  bool dry_run = false;
  bool skip_admission = false;  // the server's own bootstrap writes
  bool skip_rules = false;      // so do these: a server of one machine is reached over loopback
  ObjectPtr options;
  std::vector<std::string>* warnings = nullptr;
  audit::Annotations* audit_annotations = nullptr;
};

struct DeleteRequest {
  Preconditions preconditions;
  std::optional<int64_t> grace_period_seconds;
  std::string propagation_policy;         // "", Orphan, Background, Foreground
  std::optional<bool> orphan_dependents;  // the deprecated form
};

struct Written {
  ObjectPtr object;      // in the request's version
  bool created = false;  // an update that created
  bool deleted = false;  // it is gone (deletes; updates that removed the last finalizer)
};

class Registry {
 public:
  struct Parts {
    Loop* loop = nullptr;
    Random* random = nullptr;
    storage::Store* store = nullptr;
    CacherHub* hub = nullptr;
    const std::vector<std::unique_ptr<AdmissionPlugin>>* admission = nullptr;
    ServiceAllocator* allocator = nullptr;
    const ServiceAddresses* addresses = nullptr;
  };
  explicit Registry(Parts parts) : parts_(parts) {}

  // `object` is of the request's version, defaulted. The name may come from generateName.
  Task<Result<Written>> create(WriteScope scope, Draft object);

  // Makes the new object from the current one (in the request's version; null: it doesn't exist,
  // asked only where the strategy allows creation). Called once an attempt.
  using Transform = std::function<Task<Result<Draft>>(ObjectPtr current)>;
  Task<Result<Written>> update(WriteScope scope, Preconditions preconditions, Transform transform);

  Task<Result<Written>> remove(WriteScope scope, DeleteRequest request);

  // Admission alone: of a create through a subresource that stores nothing (bindings, evictions),
  // and of a connection to the object (exec, proxies), which brings no object.
  Task<Result<void>> admit_create(WriteScope scope, Draft* object);
  Task<Result<void>> admit_connect(WriteScope scope);

  // The object in the request's version. Errors: NotFound; InternalError if it can't be decoded.
  Result<ObjectPtr> get(const schema::Resource& resource, std::string_view ns,
                        std::string_view name) const;
  Cacher& cacher(const schema::Resource& resource) const;
  MicroTime now() const { return parts_.loop->wall(); }
  const Parts& parts() const { return parts_; }

 private:
  Task<Result<void>> admit(const WriteScope& scope, AdmissionRequest::Operation operation,
                           Draft* object, ObjectPtr old_object, bool mutating);
  Task<Result<Written>> create_once(WriteScope scope, Draft object);
  void identify_new_object(const WriteScope& scope, Draft& object);
  Result<ServiceAllocator::Reservation> prepare_create(const WriteScope& scope, Draft& object);
  Result<void> before_create(const WriteScope& scope, Draft& object);
  Result<void> before_update(const WriteScope& scope, Draft& object, const Object& old);
  Task<Result<Written>> update_once(WriteScope scope, Preconditions preconditions,
                                    const Transform& transform, ObjectPtr current, bool* retry);
  Result<void> check_preconditions(const WriteScope& scope, const Preconditions& preconditions,
                                   const MetaView& before) const;
  Result<void> check_version(const WriteScope& scope, const Draft& object,
                             const MetaView& before) const;
  Result<ServiceAllocator::Reservation> prepare_update(const WriteScope& scope, Draft& object,
                                                       const Object& old);
  Task<Result<bool>> store_update(const WriteScope& scope, Draft object, ObjectPtr current,
                                  ObjectPtr old, Written* written);
  Task<Result<bool>> commit(const WriteScope& scope, std::string key, int64_t expected,
                            Draft object, const Object* old, ObjectPtr* stored);
  // object: gets the revision of its deletion; may be null.
  Task<Result<bool>> erase(const WriteScope& scope, std::string key, int64_t expected,
                           const Object& old, ObjectPtr* object);
  ApiStatus already_exists(const WriteScope& scope, std::string_view generate_name) const;
  StrategyContext strategy_context(const WriteScope& scope) const;

  Parts parts_;
};

}  // namespace tiphys::apiserver
