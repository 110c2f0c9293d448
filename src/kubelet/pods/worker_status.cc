#include "base/log.h"
#include "kubelet/pods/status.h"
#include "kubelet/pods/worker.h"

namespace tiphys::kubelet {
namespace {

constexpr int kMaxConflicts = 5;

}  // namespace

ObjectPtr PodWorker::current_status(bool killed) const {
  StatusInput input;
  input.pod = view();
  input.runtime = &state_;
  input.probes = &probes_;
  input.waiting = &waiting_;
  std::set<std::string> starting_ids = starting();
  input.starting = &starting_ids;
  input.host_ips = node_.host_ips;
  input.now = node_.loop.wall();
  input.killed = killed;
  // Failed is final: it is said when nothing runs any more.
  input.failed = failed_ && !state_.any_running() ? &*failed_ : nullptr;
  input.refused = refused_;
  input.resize = resize_report();
  return make_status(input, *pod_);
}

// Writes the status if it differs from the API's. False: it could not be written.
Task<bool> PodWorker::publish(bool killed) {
  bool sent = co_await write_status(killed);
  api_failures_ = sent ? 0 : api_failures_ + 1;
  co_return sent;
}

// The API is away or says no: nothing that runs depends on it.
void PodWorker::wake_for_api() { wake_at(node_.loop.wall() + api_retry_pause(api_failures_)); }

Task<bool> PodWorker::write_status(bool killed) {
  const schema::Resource& pods = *schema::find_resource("", "v1", "pods");
  for (int i = 0; i < kMaxConflicts; ++i) {
    ObjectPtr wanted = current_status(killed);
    if (equal(core_v1::Pod(*wanted).status(), view().status())) co_return true;
    if (static_) {
      pod_ = std::move(wanted);
      node_.static_changed();
      co_return true;
    }
    Result<ObjectPtr> written = co_await node_.client.update(pods, wanted, "status");
    if (written) {
      bool deleting = core_v1::Pod(**written).metadata().has_deletion_timestamp();
      bool news = deleting && !view().metadata().has_deletion_timestamp();
      take(std::move(*written));
      if (news) wake();
      co_return true;
    }
    if (written.error().is_not_found()) {
      deleted();
      co_return true;
    }
    if (!written.error().is_conflict()) {
      LOG_WARNING("Can't write a pod's status", {"pod", pod_label(view())},
                  {"err", written.error()});
      co_return false;
    }
    std::string ns(view().metadata().namespace_());
    std::string name(view().metadata().name());
    std::string mine = uid();
    Result<ObjectPtr> fresh = co_await node_.client.get(pods, ns, name);
    if (!fresh && fresh.error().is_not_found()) {
      deleted();
      co_return true;
    }
    if (!fresh) co_return false;
    if (core_v1::Pod(**fresh).metadata().uid() != mine) {
      deleted();
      co_return true;
    }
    update(std::move(*fresh));
  }
  co_return false;
}

}  // namespace tiphys::kubelet
