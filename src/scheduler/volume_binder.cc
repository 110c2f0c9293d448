#include "scheduler/volume_binder.h"

#include "base/strings.h"
#include "kinds/metadata.h"
#include "scheduler/volume_progress.h"

namespace tiphys::scheduler {
namespace {

const schema::Resource& volume_resource() {
  return *schema::find_resource("", "v1", "persistentvolumes");
}
const schema::Resource& claim_resource() {
  return *schema::find_resource("", "v1", "persistentvolumeclaims");
}

ApiStatus gone(std::string_view kind, const std::string& name) {
  return ApiStatus::not_found("", kind, name);
}

}  // namespace

// Sets the event whenever something changes that the plan or its pod depends on.
class VolumeBinder::Watch {
 public:
  Watch(VolumeBinder& binder, const PodInfo& pod, const VolumePlan& plan, Event& event)
      : binder_(binder), event_(event) {
    for (const VolumePlan::Binding& binding : plan.bindings) add(binding.claim);
    for (const VolumePlan::Provision& provision : plan.provisions) add(provision.claim);
    add(pod.uid);
    add(plan.node);
    ++binder.waiting_;
  }
  ~Watch() {
    --binder_.waiting_;
    for (auto at : entries_) binder_.watches_.erase(at);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void add(const std::string& what) { entries_.push_back(binder_.watches_.emplace(what, &event_)); }
  VolumeBinder& binder_;
  Event& event_;
  std::vector<std::multimap<std::string, Event*>::iterator> entries_;
};

VolumeBinder::VolumeBinder(Loop& loop, client::Client& client, ClusterView& cluster)
    : loop_(loop), client_(client), cluster_(cluster) {
  cluster.tell_binder([this](const std::string& about) {
    auto [from, to] = watches_.equal_range(about);
    for (; from != to; ++from) from->second->set();
  });
}

// Answers the version that says so.
Task<Result<std::string>> VolumeBinder::write_volume(std::string volume_name,
                                                     std::string claim_key) {
  const Volume* volume = volumes().volume(volume_name);
  if (volume == nullptr) co_return gone("persistentvolumes", volume_name);
  const Claim* claim = volumes().claim(claim_key);
  if (claim == nullptr) co_return gone("persistentvolumeclaims", claim_key);
  ObjectPtr changed = volume_for_claim(*volume, *claim);
  if (!changed) co_return std::string(resource_version_of(*volume->object));
  Result<ObjectPtr> written = co_await client_.update(volume_resource(), changed);
  if (!written) co_return written.error();
  co_return std::string(resource_version_of(**written));
}

Task<Result<std::string>> VolumeBinder::write_claim(std::string claim_key, std::string node) {
  const Claim* claim = volumes().claim(claim_key);
  if (claim == nullptr) co_return gone("persistentvolumeclaims", claim_key);
  ObjectPtr changed = claim_on_node(*claim, node);
  if (!changed) co_return std::string(resource_version_of(*claim->object));
  Result<ObjectPtr> written = co_await client_.update(claim_resource(), changed);
  if (!written) co_return written.error();
  co_return std::string(resource_version_of(**written));
}

Task<Result<VolumePlan>> VolumeBinder::write(VolumePlan plan) {
  for (VolumePlan::Binding& binding : plan.bindings) {
    Result<std::string> written = co_await write_volume(binding.volume, binding.claim);
    if (!written) co_return written.error();
    binding.written = *written;
  }
  for (VolumePlan::Provision& provision : plan.provisions) {
    Result<std::string> written = co_await write_claim(provision.claim, plan.node);
    if (!written) co_return written.error();
    provision.written = *written;
  }
  co_return plan;
}

Task<Result<void>> VolumeBinder::wait(PodPtr pod, VolumePlan plan, Duration timeout,
                                      StopToken stop) {
  Event moved(loop_);
  Watch watch(*this, *pod, plan, moved);
  MonoTime end = loop_.mono() + timeout;
  while (!stop.stop_requested()) {
    moved.reset();
    if (!cluster_.cache().is_assumed(pod->uid)) {
      co_return ApiStatus::internal("binding volumes: pod does not exist any more: pod " +
                                    go_quote(pod->name) + " not found");
    }
    VolumeProgress progress = volume_progress(plan, cluster_.cache().snapshot());
    if (progress.state == VolumeProgress::State::kBound) co_return Result<void>();
    if (progress.state == VolumeProgress::State::kFailed) {
      co_return ApiStatus::internal("binding volumes: " + progress.why);
    }
    Duration left = end - loop_.mono();
    if (left <= Duration::zero()) {
      co_return ApiStatus::internal("binding volumes: context deadline exceeded");
    }
    co_await moved.wait(stop, left);
  }
  co_return ApiStatus::stopped();
}

}  // namespace tiphys::scheduler
