// The store's errors, worded as etcd words them (Kubernetes' clients and tests know the texts).
#pragma once
#include "storage/store.h"

namespace tiphys::storage::mvcc {

inline ApiStatus compacted_error() {
  return ApiStatus::expired("etcdserver: mvcc: required revision has been compacted");
}
inline ApiStatus future_error() {
  return ApiStatus(400, "OutOfRange", "etcdserver: mvcc: required revision is a future revision");
}
inline ApiStatus lease_not_found_error() {
  return ApiStatus(404, "NotFound", "etcdserver: requested lease not found");
}
inline ApiStatus duplicate_key_error() {
  return ApiStatus::bad_request("etcdserver: duplicate key given in txn request");
}
inline ApiStatus empty_key_error() {
  return ApiStatus::bad_request("etcdserver: key is not provided");
}
inline ApiStatus too_many_operations_error() {
  return ApiStatus::bad_request("etcdserver: too many operations in txn request");
}
inline ApiStatus bad_lease_ttl_error() {
  return ApiStatus::bad_request("etcdserver: lease ttl must be positive");
}
inline ApiStatus stopped_error() { return ApiStatus::service_unavailable("the store is stopped"); }

}  // namespace tiphys::storage::mvcc
