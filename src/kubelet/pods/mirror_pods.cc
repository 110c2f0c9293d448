#include "kubelet/pods/mirror_pods.h"

#include <set>

#include "base/log.h"
#include "kubelet/pods/static_pod.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kRetry = std::chrono::seconds(2);
constexpr Duration kPeriod = std::chrono::minutes(1);

const schema::Resource& pods_resource() { return *schema::find_resource("", "v1", "pods"); }

std::string full_name(const ObjectPtr& pod) {
  meta_v1::ObjectMeta meta = core_v1::Pod(*pod).metadata();
  return std::string(meta.namespace_()) + "/" + std::string(meta.name());
}

}  // namespace

MirrorPods::MirrorPods(Loop& loop, client::Client& client, client::Informer& pods, Host host)
    : loop_(loop), client_(client), pods_(pods), host_(std::move(host)), gate_(loop), wake_(loop) {}

void MirrorPods::start() { gate_.spawn(run()); }

Task<void> MirrorPods::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> MirrorPods::run() {
  (void)co_await pods_.wait_for_sync(stop_.token());
  while (!stop_.stop_requested()) {
    wake_.reset();
    bool done = co_await sync();
    (void)co_await wake_.wait(stop_.token(), done ? kPeriod : kRetry);
  }
}

Task<bool> MirrorPods::sync() {
  bool done = true;
  std::vector<ObjectPtr> all = host_.static_pods();
  for (const ObjectPtr& pod : all) {
    bool good = co_await sync_pod(pod);
    done = done && good;
    if (stop_.stop_requested()) co_return false;
  }
  bool gone = co_await remove_orphans();
  co_return done&& gone;
}

Task<bool> MirrorPods::sync_pod(ObjectPtr pod) {
  core_v1::Pod of(*pod);
  ObjectPtr mirror = pods_.get(of.metadata().namespace_(), of.metadata().name());
  if (!mirror) co_return co_await create(pod);
  core_v1::Pod shown(*mirror);
  if (!is_mirror_pod(shown)) {
    LOG_V(2, "A pod of a static pod's name is in the API", {"pod", pod_label(of)});
    co_return true;
  }
  if (shown.metadata().has_deletion_timestamp() || !is_mirror_of(shown, of)) {
    co_return co_await remove(mirror, "outdated");
  }
  if (equal(shown.status(), of.status())) co_return true;
  Result<ObjectPtr> written =
      co_await client_.update(pods_resource(), with_status_of(*mirror, of), "status");
  // Conflict: what the informer doesn't show yet; its event wakes this.
  if (written || written.error().is_not_found()) co_return true;
  LOG_V(2, "Can't write a mirror pod's status", {"pod", pod_label(of)}, {"err", written.error()});
  co_return false;
}

Task<bool> MirrorPods::create(ObjectPtr pod) {
  std::string node_uid = host_.node_uid();
  if (node_uid.empty()) co_return false;
  core_v1::Pod of(*pod);
  Result<ObjectPtr> made =
      co_await client_.create(pods_resource(), std::string(of.metadata().namespace_()),
                              make_mirror_pod(*pod, host_.node_name, node_uid));
  if (made || made.error().reason() == "AlreadyExists") co_return true;
  LOG_ERROR("Failed creating a mirror pod", {"pod", pod_label(of)}, {"err", made.error()});
  co_return false;
}

Task<bool> MirrorPods::remove(ObjectPtr mirror, std::string why) {
  core_v1::Pod of(*mirror);
  client::DeleteOptions options;
  options.grace_period_seconds = 0;
  options.uid = std::string(of.metadata().uid());
  Result<ObjectPtr> gone =
      co_await client_.remove(pods_resource(), std::string(of.metadata().namespace_()),
                              std::string(of.metadata().name()), options);
  if (gone || gone.error().is_not_found() || gone.error().is_conflict()) {
    LOG_V(2, "Deleted a mirror pod", {"pod", pod_label(of)}, {"why", why});
    co_return true;
  }
  LOG_ERROR("Failed deleting a mirror pod", {"pod", pod_label(of)}, {"err", gone.error()});
  co_return false;
}

Task<bool> MirrorPods::remove_orphans() {
  if (!host_.complete()) co_return true;
  std::set<std::string> names;
  for (const ObjectPtr& pod : host_.static_pods()) names.insert(full_name(pod));
  bool done = true;
  std::vector<ObjectPtr> all = pods_.list();
  for (const ObjectPtr& pod : all) {
    if (!is_mirror_pod(core_v1::Pod(*pod)) || names.contains(full_name(pod))) continue;
    bool gone = co_await remove(pod, "its static pod is gone");
    done = done && gone;
  }
  co_return done;
}

}  // namespace tiphys::kubelet
