#include "kubelet/volumes/pod_volumes.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kinds/metadata.h"
#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/volume_calls.h"
#include "kubelet/volumes/volume_kinds.h"

namespace tiphys::kubelet {
namespace {

constexpr MicroTime kPeriod = 60 * kMicrosPerSecond;  // of looking at everything again
constexpr MicroTime kFirstDelay = kMicrosPerSecond / 2;
constexpr MicroTime kLastDelay = 122 * kMicrosPerSecond;
constexpr MicroTime kSettle = kMicrosPerSecond;  // between changes that are followed
constexpr Duration kPatience = std::chrono::milliseconds(200);
constexpr Duration kHostPathLimit = std::chrono::seconds(10);
constexpr Duration kNoLimit = std::chrono::hours(24 * 365);

const schema::Resource& core_resource(std::string_view name) {
  return *schema::find_resource("", "v1", name);
}

// What volumes show of a pod itself.
bool same_for_volumes(const Object& a, const Object& b) {
  meta_v1::ObjectMeta one = core_v1::Pod(a).metadata();
  meta_v1::ObjectMeta other = core_v1::Pod(b).metadata();
  auto map = [](const auto& view) {
    return Value::of_node(ValueType::kMap, const_cast<Node*>(&view.node()));
  };
  return one.generation() == other.generation() && equal(map(one.labels()), map(other.labels())) &&
         equal(map(one.annotations()), map(other.annotations()));
}

std::string revision_of(const Fetched& fetched, std::string_view kind, const std::string& name) {
  const auto& objects = kind == "Secret" ? fetched.secrets : fetched.config_maps;
  auto found = objects.find(name);
  if (found == objects.end() || !found->second) return "";
  return std::string(metadata(**found->second).resource_version());
}

std::string no_answer(const std::string& path) {
  return "hostPath " + path + " does not answer: still waiting after 10s";
}

}  // namespace

PodVolumes::PodVolumes(NodeServices& node, std::string uid, Host host)
    : node_(node),
      uid_(std::move(uid)),
      host_(std::move(host)),
      gate_(node.loop),
      done_(node.loop),
      tokens_(node.loop, node.client, node.random) {
  done_.set();
}

PodVolumes::~PodVolumes() = default;

Task<void> PodVolumes::stop() {
  node_.references.forget(uid_);
  stop_.request_stop();
  co_await gate_.close();
}

void PodVolumes::refetch() {
  refetch_ = true;
  news_ = true;
}

bool PodVolumes::is_stale(const Object& pod) const {
  if (!for_ || refetch_ || !same_for_volumes(*for_, pod)) return true;
  MicroTime now = node_.loop.wall();
  return now - at_ >= kPeriod || now < at_;
}

// The next run starts no sooner.
MicroTime PodVolumes::wait_until() const {
  if (news_) return for_ ? at_ + kSettle : 0;
  return delay_ != 0 ? retry_at_ : 0;
}

MicroTime PodVolumes::next_at() const {
  if (!done_.is_set()) return 0;  // its end wakes the worker
  return news_ || delay_ != 0 ? wait_until() : at_ + kPeriod;
}

Task<bool> PodVolumes::ensure(ObjectPtr pod, StopToken stop) {
  MicroTime left = wait_until() - node_.loop.wall();
  bool waits = left > 0 && left <= kLastDelay;  // more: the clock was set back
  if (!closing_ && done_.is_set() && !waits && is_stale(*pod)) {
    done_.reset();
    gate_.spawn(run(pod));
  }
  if (!done_.is_set()) {
    awaited_ = true;
    (void)co_await done_.wait(stop, kPatience);
    awaited_ = false;
  }
  co_return for_ != nullptr;
}

Task<void> PodVolumes::run(ObjectPtr pod) {
  co_await bring_up(pod);
  writing_ = false;
  done_.set();
  if (!awaited_ && !stop_.stop_requested()) host_.wake();
}

Task<void> PodVolumes::bring_up(ObjectPtr pod) {
  news_ = false;
  // An ephemeral container may refer to more than the pod did.
  bool covered = covers(fetched_, pod_references(core_v1::Pod(*pod).spec()));
  if (refetch_ || !covered || !node_.references.complete(uid_)) {
    refetch_ = false;
    bool fetched = co_await fetch(pod);
    if (!fetched) {
      refetch_ = true;
      finish(false, pod);
      co_return;
    }
    watch_references(*pod);
  }
  VolumeInput input;
  input.pod = pod;
  input.tokens = co_await tokens_.get(pod);
  co_await check_host_paths(pod);
  if (stop_.stop_requested() || closing_) co_return;
  input.pod_folder = node_.pod_folder(uid_);
  input.allocatable = node_.allocatable;
  input.host_ips = node_.host_ips;
  input.fetched = fetched_;
  input.host_paths = host_paths_;
  input.now = node_.loop.wall();
  writing_ = true;
  VolumesDone done =
      co_await run_blocking(node_.loop, node_.pool, [input] { return set_up_volumes(input); });
  for (const std::string& message : done.failures) host_.failed(message);
  if (done.failures.empty()) paths_ = std::move(done.paths);
  finish(done.failures.empty(), pod);
}

void PodVolumes::finish(bool good, ObjectPtr pod) {
  MicroTime now = node_.loop.wall();
  if (good) {
    for_ = std::move(pod);
    at_ = now;
    delay_ = 0;
    return;
  }
  delay_ = delay_ == 0 ? kFirstDelay : std::min(delay_ * 2, kLastDelay);
  retry_at_ = now + delay_;
}

// False: the API doesn't answer. What isn't there is an entry that says so.
Task<bool> PodVolumes::fetch(ObjectPtr pod) {
  core_v1::Pod of(*pod);
  References refs = pod_references(of.spec());
  std::string ns(of.metadata().namespace_());
  Fetched fresh;
  for (const std::string& name : refs.config_maps) {
    Result<ObjectPtr> got = co_await fetch_one("configmaps", ns, name);
    if (!got && got.error().code() >= 500) co_return false;
    fresh.config_maps.emplace(name, std::move(got));
  }
  for (const std::string& name : refs.secrets) {
    Result<ObjectPtr> got = co_await fetch_one("secrets", ns, name);
    if (!got && got.error().code() >= 500) co_return false;
    fresh.secrets.emplace(name, std::move(got));
  }
  fetched_ = std::move(fresh);
  co_return true;
}

Task<Result<ObjectPtr>> PodVolumes::fetch_one(std::string resource, std::string ns,
                                              std::string name) {
  co_return co_await node_.client.get(core_resource(resource), ns, name);
}

void PodVolumes::watch_references(const Object& pod) {
  if (closing_ || stop_.stop_requested()) return;
  core_v1::Pod of(pod);
  node_.references.set(uid_, std::string(of.metadata().namespace_()), pod_references(of.spec()),
                       [this](std::string_view kind, const std::string& name,
                              const std::string& revision) { on_reference(kind, name, revision); });
}

void PodVolumes::on_reference(std::string_view kind, const std::string& name,
                              const std::string& revision) {
  if (revision_of(fetched_, kind, name) == revision) return;
  bool first = !news_;
  refetch();
  if (first) host_.wake();
}

// Once good, a hostPath is not looked at again: it is the containers' by then.
Task<void> PodVolumes::check_host_paths(ObjectPtr pod) {
  std::set<std::string, std::less<>> used = used_volumes(core_v1::Pod(*pod).spec());
  for (core_v1::Volume volume : core_v1::Pod(*pod).spec().volumes()) {
    std::string name(volume.name());
    auto known = host_paths_.find(name);
    if (!has_host_path_check(volume) || !used.contains(name) ||
        (known != host_paths_.end() && known->second))
      continue;
    std::string path(volume.host_path().path());
    std::string type(volume.host_path().type());
    std::move_only_function<Result<void>()> call = [path, type] {
      return check_host_path(path, type);
    };
    std::optional<Result<void>> checked = co_await node_.host_calls.run<Result<void>>(
        path, std::move(call), kHostPathLimit, stop_.token());
    if (stop_.stop_requested() || closing_) co_return;
    host_paths_.insert_or_assign(
        name, checked ? *checked : Result<void>(ApiStatus::internal(no_answer(path))));
  }
}

Task<Result<std::vector<ResolvedMount>>> PodVolumes::resolve(MountInput input, ObjectPtr pod,
                                                             StopToken stop) {
  using Mounts = Result<std::vector<ResolvedMount>>;
  input.volumes = paths_;
  if (!has_host_sub_path(input.pod.spec(), input.container)) {
    co_return co_await run_blocking(node_.loop, node_.pool,
                                    [input] { return resolve_mounts(input); });
  }
  std::string key = uid_ + "/" + std::string(input.container.name());
  std::move_only_function<Mounts()> call = [input, pod] { return resolve_mounts(input); };
  std::optional<Mounts> done =
      co_await node_.host_calls.run<Mounts>(key, std::move(call), kHostPathLimit, stop);
  if (done) co_return std::move(*done);
  co_return ApiStatus::internal(
      "the subPath of a hostPath does not answer: still waiting after 10s");
}

Task<bool> PodVolumes::tear_down(StopToken stop) {
  closing_ = true;
  node_.references.forget(uid_);
  while (writing_) {
    bool ended = co_await done_.wait(stop);
    if (!ended) co_return false;
  }
  for_ = nullptr;
  std::string folder = node_.pod_folder(uid_);
  std::move_only_function<Result<void>()> call = [folder] { return tear_down_pod_folder(folder); };
  std::optional<Result<void>> gone =
      co_await node_.disk_calls.run<Result<void>>(folder, std::move(call), kNoLimit, stop);
  if (!gone) co_return false;
  if (!*gone) {
    LOG_WARNING("Can't remove a pod's volumes", {"uid", uid_}, {"err", gone->error()});
    co_return false;
  }
  co_return true;
}

}  // namespace tiphys::kubelet
