// FakeApi: a model API server behind a Transport, on any loop: the rules of the API that
// controllers depend on, with faults to order. For tests only.
//
// Modelled: revisions, conflicts, generateName, uid, generation, status and finalize subresources,
// graceful pod deletion (call finish_deleted_pods, as a kubelet would), finalizers, propagation
// policies (as finalizers), preconditions, list with label and field selectors, watch with resume,
// 410 after compact(), merge-like patches. Not modelled: defaulting, validation, authorization.
#pragma once
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "async/loop.h"
#include "client/client.h"
#include "tests/fake/fake_store.h"

namespace tiphys::fake {

class FakeWatch;

class FakeApi : public client::Transport {
 public:
  explicit FakeApi(Loop& loop, uint64_t seed = 1);
  ~FakeApi() override;

  Task<Result<client::Response>> send(client::Request request) override;
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request request) override;

  // ---- for the test ----
  FakeStore& store() { return store_; }
  // Creates, or replaces spec and status alike. Requires: it works.
  ObjectPtr put(const schema::Resource& resource, ObjectPtr object);
  ObjectPtr get(const schema::Resource& resource, std::string_view ns, std::string_view name) const;
  std::vector<ObjectPtr> list(const schema::Resource& resource, std::string_view ns = {}) const;
  void remove(const schema::Resource& resource, std::string_view ns, std::string_view name,
              std::string_view policy = {});
  // Pods whose deletion waits for their kubelet go away.
  void finish_deleted_pods();

  // Faults. The hook may fail any request before it is done.
  std::function<std::optional<ApiStatus>(const client::Request&)> before;
  // Called after the request was done: its answer may be lost (the write stays).
  std::function<std::optional<ApiStatus>(const client::Request&)> after;
  void set_delay(Duration delay) { delay_ = delay; }      // of every request
  void set_watch_lag(Duration lag) { watch_lag_ = lag; }  // of every watch event
  Duration watch_lag() const { return watch_lag_; }
  void break_watches();
  void compact() { store_.compact(); }
  void tell_watches();  // after changes made to store() directly

  // "POST /api/v1/namespaces/x/pods" of every request that changed something, oldest first.
  const std::vector<std::string>& writes() const { return writes_; }
  size_t write_count() const { return writes_.size(); }
  size_t request_count() const { return requests_; }

 private:
  friend class FakeWatch;
  Result<client::Response> answer(const client::Request& request);

  Loop& loop_;
  FakeStore store_;
  Duration delay_ = Duration::zero();
  Duration watch_lag_ = Duration::zero();
  std::vector<std::string> writes_;
  size_t requests_ = 0;
  std::set<FakeWatch*> watches_;
};

}  // namespace tiphys::fake
