// Cacher: the watch cache of one stored resource: every object decoded once, in key order, with
// the recent changes. Lookups are synchronous.
//
// Loop thread only. Objects are in the storage version (schema::Resource::storage_gvk); API
// versions of one stored resource share its cacher. Keys are relative to the resource's prefix:
// "namespace/name" or "name". Everything is as of revision(). On the memory and the embedded engine
// a transaction's events are applied before Store::txn returns, so own writes are always seen; on
// others co_await wait_for(revision) first.
// Semantics: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/cacher/cache_watcher.h"
#include "schema/resource.h"

namespace tiphys::apiserver {

struct ListQuery {
  std::string ns;       // empty: all namespaces
  Predicate predicate;  // null: all
  std::string from;     // first key, inclusive (ListPage::next of the page before); empty: start
  int64_t limit = 0;    // most items returned; 0: all
  Revision at = 0;      // state at this revision; 0: the cache's own
};

struct ListPage {
  std::vector<ObjectPtr> items;
  Revision revision = 0;   // of the state: the list's resourceVersion
  bool more = false;       // the limit cut it
  std::string next;        // if more: where the next page starts
  int64_t remaining = -1;  // if more: how many keys are left; -1: unknown (with a predicate)
};

class Cacher {
 public:
  virtual ~Cacher() = default;
  virtual const schema::Resource& resource() const = 0;
  virtual bool ready() const = 0;  // the first load is complete
  virtual Revision revision() const = 0;
  virtual size_t size() const = 0;

  // Null: absent.
  virtual ObjectPtr get(std::string_view ns, std::string_view name) const = 0;
  // What is stored under this name but can't be decoded (then get() is null); nothing: all well.
  virtual std::optional<ApiStatus> problem(std::string_view ns, std::string_view name) const = 0;
  // The state now, or at a revision within the window of recent changes; nothing for older and for
  // compacted ones (use list_exact). Fails as a whole if an object in the range can't be decoded.
  virtual Result<std::optional<ListPage>> list(const ListQuery& query) const = 0;
  // The same for every revision that the store still has. Errors: Expired 410 (compacted),
  // Timeout 504 "Too large resource version" (see too_large_resource_version).
  virtual Task<Result<ListPage>> list_exact(ListQuery query) = 0;

  // True once revision() >= revision; false when the timeout passed first.
  virtual Task<bool> wait_for(Revision revision, Duration timeout) = 0;
  // Error: Expired 410 "too old resource version: X (Y)". From a future revision: nothing older
  // than it is ever delivered.
  virtual Result<std::unique_ptr<CacheWatcher>> watch(WatchOptions options) = 0;
  // Called after each change (old or now null at creation and deletion), and once for each present
  // object when added (now, or when loaded). Handlers live as long as the cacher.
  using ChangeHandler = std::function<void(const ObjectPtr& old, const ObjectPtr& now)>;
  virtual void on_change(ChangeHandler handler) = 0;
};

// 504 'Timeout: Too large resource version: X, current: Y', retry after 1 s, cause
// ResourceVersionTooLarge.
ApiStatus too_large_resource_version(Revision requested, Revision current);

}  // namespace tiphys::apiserver
