#include "kubelet/pods/pod_manager.h"

#include <algorithm>

#include "base/log.h"
#include "kubelet/pods/garbage.h"
#include "kubelet/pods/resources.h"
#include "kubelet/pods/static_pod.h"
#include "kubelet/resources/orphan_groups.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kPollPeriod = std::chrono::seconds(1);    // without events
constexpr Duration kEventPeriod = std::chrono::seconds(10);  // with events: only to be sure
constexpr Duration kHousekeeping = std::chrono::seconds(10);
constexpr int64_t kOrphanGrace = 10;
constexpr Duration kCleanLimit = std::chrono::hours(24);

std::string uid_of(const ObjectPtr& pod) {
  return std::string(core_v1::Pod(*pod).metadata().uid());
}

std::string full_name(const ObjectPtr& pod) {
  meta_v1::ObjectMeta meta = core_v1::Pod(*pod).metadata();
  return std::string(meta.namespace_()) + "/" + std::string(meta.name());
}

}  // namespace

PodManager::PodManager(NodeServices& node, client::Informer& pods, EventStream& events)
    : node_(node), pods_(pods), events_(events), gate_(node.loop) {}

PodManager::~PodManager() = default;

void PodManager::start() {
  pods_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) { on_pod(old, now); });
  events_.start([this](const std::string& id) { on_container_event(id); });
  gate_.spawn(watch_runtime());
  gate_.spawn(housekeeping());
}

Task<void> PodManager::stop() {
  stop_.request_stop();
  co_await gate_.close();
  for (auto& [uid, worker] : workers_) co_await worker->stop();
  workers_.clear();
}

void PodManager::on_pod(const ObjectPtr& old, const ObjectPtr& now) {
  if (stop_.stop_requested()) return;
  bool mirrors =
      (old && is_mirror_pod(core_v1::Pod(*old))) || (now && is_mirror_pod(core_v1::Pod(*now)));
  if (now && is_mirror_pod(core_v1::Pod(*now))) adopt_mirror(core_v1::Pod(*now));
  if (mirrors) node_.static_changed();
  if (old && (!now || uid_of(old) != uid_of(now))) {
    auto worker = workers_.find(uid_of(old));
    if (worker != workers_.end()) {
      gone_.insert(worker->first);
      worker->second->deleted();
      if (worker->second->finished()) on_finished(uid_of(old));
    }
  }
  if (!now || is_mirror_pod(core_v1::Pod(*now))) return;
  auto worker = workers_.find(uid_of(now));
  if (worker != workers_.end()) {
    worker->second->update(now);
  } else {
    start_worker(as_api_pod(now));
  }
}

// A static pod that started before this process did goes on with the status that the API knows.
void PodManager::adopt_mirror(core_v1::Pod mirror) {
  for (auto& [uid, worker] : workers_) {
    core_v1::Pod pod(*worker->pod());
    if (!is_static_pod(pod) || !is_mirror_of(mirror, pod)) continue;
    if (!mirror.status().has_start_time()) continue;
    bool no_news =
        pod.status().has_start_time() && pod.status().start_time() <= mirror.status().start_time();
    if (!no_news) worker->update(with_mirror_status(*worker->pod(), mirror));
  }
}

void PodManager::start_worker(const ObjectPtr& pod) {
  std::string uid = uid_of(pod);
  auto fresh = std::make_unique<PodWorker>(node_, pod, [this, uid] { on_finished(uid); });
  fresh->start();
  workers_.emplace(uid, std::move(fresh));
}

void PodManager::on_finished(const std::string& uid) {
  // While the API still shows the pod, the finished worker stands for it.
  auto at = workers_.find(uid);
  if (at == workers_.end() || !gone_.contains(uid)) return;
  bool was_static = is_static_pod(core_v1::Pod(*at->second->pod()));
  gone_.erase(uid);
  gate_.spawn(retire(std::move(at->second)));
  workers_.erase(at);
  if (!was_static || stop_.stop_requested()) return;
  start_static_pods();
  node_.static_changed();
}

bool PodManager::is_wanted(const std::string& uid) const {
  return std::ranges::any_of(static_, [&](const auto& one) { return one.second.contains(uid); });
}

void PodManager::set_static_pods(std::string_view source, std::vector<ObjectPtr> pods) {
  if (stop_.stop_requested()) return;
  StaticPods& mine = static_[std::string(source)];
  mine.clear();
  for (ObjectPtr& pod : pods) mine.emplace(uid_of(pod), std::move(pod));
  for (auto& [uid, worker] : workers_) {
    if (!is_static_pod(core_v1::Pod(*worker->pod())) || is_wanted(uid)) continue;
    if (!gone_.insert(uid).second) continue;
    LOG_INFO("A static pod's manifest is gone", {"pod", pod_label(core_v1::Pod(*worker->pod()))});
    worker->remove();
  }
  start_static_pods();
  node_.static_changed();
}

void PodManager::start_static_pods() {
  std::set<std::string> names;
  for (const ObjectPtr& pod : static_pods()) names.insert(full_name(pod));
  for (const auto& [source, pods] : static_) {
    for (const auto& [uid, pod] : pods) {
      if (!workers_.contains(uid) && names.insert(full_name(pod)).second) start_static_pod(pod);
    }
  }
}

void PodManager::start_static_pod(const ObjectPtr& pod) {
  core_v1::Pod of(*pod);
  ObjectPtr mirror = pods_.get(of.metadata().namespace_(), of.metadata().name());
  bool known = mirror && is_mirror_of(core_v1::Pod(*mirror), of);
  start_worker(known ? with_mirror_status(*pod, core_v1::Pod(*mirror)) : pod);
}

std::vector<ObjectPtr> PodManager::static_pods() const {
  std::vector<ObjectPtr> out;
  for (const auto& [uid, worker] : workers_) {
    if (is_static_pod(core_v1::Pod(*worker->pod()))) out.push_back(worker->pod());
  }
  return out;
}

bool PodManager::static_pods_complete() const {
  const Options& options = node_.options;
  return (options.static_pod_path.empty() || static_.contains(kFileSource)) &&
         (options.static_pod_url.empty() || static_.contains(kUrlSource));
}

Task<void> PodManager::retire(std::unique_ptr<PodWorker> worker) { co_await worker->stop(); }

void PodManager::on_container_event(const std::string& id) {
  auto owner = owners_.find(id);
  if (owner != owners_.end()) {
    auto worker = workers_.find(owner->second);
    if (worker != workers_.end()) worker->second->container_ended(id);
    return;
  }
  // Started since the last listing: its worker will know it.
  for (auto& [uid, worker] : workers_) worker->container_ended(id);
}

void PodManager::wake_all() {
  for (auto& [uid, worker] : workers_) worker->wake();
}

std::vector<PodWorker*> PodManager::waiting_resizes() const {
  std::vector<std::pair<WaitingResize, PodWorker*>> waiting;
  for (const auto& [uid, worker] : workers_) {
    std::optional<MicroTime> since = worker->waits_to_resize();
    if (!since) continue;
    core_v1::Pod wanted(*worker->pod());
    ObjectPtr allocated = worker->allocated_pod();
    bool increases = increases_requests(core_v1::Pod(*allocated), wanted);
    waiting.emplace_back(WaitingResize{wanted, increases, *since}, worker.get());
  }
  std::ranges::sort(waiting, goes_before, [](const auto& one) { return one.first; });
  std::vector<PodWorker*> out;
  for (const auto& [resize, worker] : waiting) out.push_back(worker);
  return out;
}

// Not before all that runs here counts. One that is granted may give some of what it had to the
// next.
void PodManager::retry_resizes(std::string_view trigger) {
  if (!pods_.synced() || !static_pods_complete()) return;
  for (const auto& [uid, worker] : workers_) {
    if (worker->awaits_admission()) return;  // its admission tries again
  }
  bool granted = true;
  while (granted) {
    granted = false;
    for (PodWorker* worker : waiting_resizes()) granted = worker->try_resize(trigger) || granted;
  }
}

void PodManager::room_made() {
  retry_resizes("pods_removed");
  for (auto& [uid, worker] : workers_) {
    if (worker->waits_for_room()) worker->wake();
  }
}

bool PodManager::uses_node(const std::string& uid) const {
  auto worker = workers_.find(uid);
  return worker != workers_.end() && worker->second->uses_node();
}

void PodManager::evict(const std::string& uid, const std::string& message) {
  auto worker = workers_.find(uid);
  if (worker != workers_.end()) worker->second->evict(message);
}

void PodManager::preempt(const std::string& uid) {
  auto worker = workers_.find(uid);
  if (worker != workers_.end()) worker->second->preempt();
}

Task<void> PodManager::watch_runtime() {
  while (!stop_.stop_requested()) {
    bool up = co_await node_.containerd.wait_ready(stop_.token());
    if (!up) co_return;
    if (!workers_.empty()) co_await relist();
    Duration period = events_.live() ? kEventPeriod : kPollPeriod;
    (void)co_await sleep_for(node_.loop, period, stop_.token());
  }
}

// Wakes the workers whose pods look different from the last time.
Task<void> PodManager::relist() {
  MonoTime begin = node_.loop.mono();
  Result<RuntimeList> list = co_await node_.runtime.list("");
  if (!list) co_return;
  Duration since = listed_at_ ? begin - *listed_at_ : Duration::zero();
  node_.metrics.relist(node_.loop.mono() - begin, since, node_.loop.wall());
  listed_at_ = begin;
  std::map<std::string, std::string> shapes;
  owners_.clear();
  for (const SandboxRecord& s : list->sandboxes) {
    owners_[s.id] = s.pod_uid;
    shapes[s.pod_uid] += s.id + (s.ready ? "+" : "-");
  }
  for (const ContainerRecord& c : list->containers) {
    owners_[c.id] = c.pod_uid;
    shapes[c.pod_uid] += c.id + std::to_string(static_cast<int>(c.state));
  }
  for (auto& [uid, worker] : workers_) {
    if (!worker->finished() && shapes[uid] != shapes_[uid]) worker->wake();
  }
  shapes_ = std::move(shapes);
}

Task<void> PodManager::housekeeping() {
  while (!stop_.stop_requested()) {
    bool up = co_await node_.containerd.wait_ready(stop_.token());
    if (!up) co_return;
    if (pods_.synced() && static_pods_complete()) co_await clean_orphans();
    (void)co_await sleep_for(node_.loop, kHousekeeping, stop_.token());
  }
}

// Ends what belongs to pods that are gone; removes dead sandboxes of the others, and folders of
// pods that left nothing else.
Task<void> PodManager::clean_orphans() {
  Result<RuntimeList> list = co_await node_.runtime.list("");
  if (!list) co_return;
  std::vector<std::string> dead = dead_sandboxes(*list);
  std::map<std::string, std::vector<std::string>> containers;
  std::map<std::string, std::vector<SandboxRecord>> sandboxes;
  std::set<std::string> in_runtime;
  std::set<std::string> known;
  for (const ObjectPtr& pod : pods_.list()) known.insert(uid_of(pod));
  for (const auto& [uid, worker] : workers_) known.insert(uid);
  for (const ContainerRecord& c : list->containers) {
    in_runtime.insert(c.pod_uid);
    if (!known.contains(c.pod_uid)) containers[c.pod_uid].push_back(c.id);
  }
  for (SandboxRecord& s : list->sandboxes) {
    in_runtime.insert(s.pod_uid);
    if (!known.contains(s.pod_uid)) sandboxes[s.pod_uid].push_back(std::move(s));
  }
  for (auto& [uid, mine] : containers) sandboxes[uid];  // also of pods without a sandbox
  for (auto& [uid, mine] : sandboxes) {
    if (!ending_.insert(uid).second) continue;
    LOG_INFO("Ending a pod that the API no longer has", {"uid", uid},
             {"pod", mine.empty() ? "" : mine[0].pod_name});
    gate_.spawn(end_orphan(uid, containers[uid], mine));
  }
  for (const std::string& id : dead) {
    if (removing_.insert(id).second) gate_.spawn(remove_sandbox(id));
  }
  node_.allocations.keep_only(known);
  node_.actuated.keep_only(known);
  in_runtime.insert(known.begin(), known.end());
  co_await clean_folders(in_runtime);
  co_await clean_logs(std::move(in_runtime));
}

// Its pod has a newer one.
Task<void> PodManager::remove_sandbox(std::string id) {
  LOG_INFO("Removing a dead sandbox", {"sandbox", id});
  Result<void> done = co_await node_.runtime.stop_sandbox(id);  // it may hold an address
  if (done) done = co_await node_.runtime.remove_sandbox(id);
  if (!done) LOG_WARNING("Dead sandbox not removed", {"sandbox", id}, {"err", done.error()});
  removing_.erase(id);
}

Task<void> PodManager::clean_logs(std::set<std::string> keep) {
  std::string root = node_.options.pod_logs_dir;
  Result<std::vector<std::string>> names =
      co_await run_blocking(node_.loop, node_.pool, [root] { return os::list_dir(root); });
  if (!names) co_return;
  for (const auto& [uid, worker] : workers_) keep.insert(uid);  // started meanwhile
  for (const std::string& name : orphaned_log_folders(*names, keep)) {
    LOG_INFO("Removing the logs of a pod that is gone", {"folder", name});
    std::string folder = root + "/" + name;
    Result<void> gone =
        co_await run_blocking(node_.loop, node_.pool, [folder] { return os::remove_tree(folder); });
    if (!gone) LOG_WARNING("Logs can't be removed", {"err", gone.error()});
  }
}

Task<void> PodManager::end_orphan(std::string uid, std::vector<std::string> containers,
                                  std::vector<SandboxRecord> sandboxes) {
  for (const std::string& id : containers) {
    (void)co_await node_.runtime.stop_container(id, kOrphanGrace);
    (void)co_await node_.runtime.remove_container(id);
  }
  for (const SandboxRecord& sandbox : sandboxes) {
    Result<void> stopped = co_await node_.runtime.stop_sandbox(sandbox.id);
    if (stopped) (void)co_await node_.runtime.remove_sandbox(sandbox.id);
    std::string logs = node_.options.pod_logs_dir + "/" + sandbox.pod_namespace + "_" +
                       sandbox.pod_name + "_" + uid;
    co_await run_blocking(node_.loop, node_.pool, [logs] { (void)os::remove_tree(logs); });
  }
  ending_.erase(uid);
}

Task<void> PodManager::clean_folders(std::set<std::string> in_runtime) {
  std::set<std::string> keep = std::move(in_runtime);
  std::string pods = node_.options.root_dir + "/pods";
  Result<std::vector<std::string>> names =
      co_await run_blocking(node_.loop, node_.pool, [pods] { return os::list_dir(pods); });
  if (node_.cgroups) {
    os::Cgroups groups = *node_.cgroups;
    std::string root = node_.options.cgroup_root;
    int64_t now = node_.loop.wall() / kMicrosPerSecond;
    co_await run_blocking(node_.loop, node_.pool, [groups, root, keep, now] {
      remove_orphan_groups(groups, root, keep, now);
    });
  }
  if (!names) co_return;
  for (const auto& [uid, worker] : workers_) keep.insert(uid);  // started meanwhile
  for (const std::string& uid : *names) {
    // Beside each other: a huge one holds back none of the others.
    if (!keep.contains(uid) && cleaning_.insert(uid).second) gate_.spawn(clean_folder(uid));
  }
}

Task<void> PodManager::clean_folder(std::string uid) {
  LOG_INFO("Cleaning up orphaned pod volumes", {"uid", uid});
  std::string folder = node_.pod_folder(uid);
  std::string root = node_.options.cgroup_root;
  std::optional<os::Cgroups> groups = node_.cgroups;
  std::move_only_function<Result<void>()> call = [uid, folder, root, groups] {
    Result<void> gone = tear_down_pod_folder(folder);
    for (const char* tier : {"", "/burstable", "/besteffort"}) {
      if (!groups) break;
      std::string group = kubepods_cgroup(root) + tier + "/pod" + uid;
      groups->kill_all(group);  // the runtime knows nothing of it
      (void)groups->remove(group);
    }
    return gone;
  };
  std::optional<Result<void>> gone = co_await node_.disk_calls.run<Result<void>>(
      folder, std::move(call), kCleanLimit, stop_.token());
  if (gone && !*gone) {
    LOG_WARNING("Orphaned pod volumes can't be removed", {"uid", uid}, {"err", gone->error()});
  }
  cleaning_.erase(uid);
}

std::vector<ObjectPtr> PodManager::active_pods() const {
  std::vector<ObjectPtr> out;
  for (const auto& [uid, worker] : workers_) {
    if (worker->is_active()) out.push_back(worker->allocated_pod());
  }
  return out;
}

std::vector<ObjectPtr> PodManager::all_pods() const {
  std::vector<ObjectPtr> out;
  for (const auto& [uid, worker] : workers_) {
    if (!worker->finished()) out.push_back(worker->pod());
  }
  return out;
}

std::map<std::string, std::string> PodManager::containers(const std::string& uid) const {
  std::map<std::string, std::string> out;
  auto worker = workers_.find(uid);
  if (worker == workers_.end()) return out;
  for (const ContainerRecord& c : worker->second->runtime_state().containers) {
    if (c.state == ContainerState::kRunning) out[c.id] = c.name;
  }
  return out;
}

std::vector<const PodWorker*> PodManager::workers() const {
  std::vector<const PodWorker*> out;
  for (const auto& [uid, worker] : workers_) out.push_back(worker.get());
  return out;
}

const PodWorker* PodManager::find(std::string_view ns, std::string_view name) const {
  const PodWorker* found = nullptr;
  for (const auto& [uid, worker] : workers_) {
    core_v1::Pod pod(*worker->pod());
    if (pod.metadata().namespace_() != ns || pod.metadata().name() != name) continue;
    // Of two with the same name the one that isn't on its way out.
    if (!found || found->finished() ||
        gone_.contains(std::string(core_v1::Pod(*found->pod()).metadata().uid()))) {
      found = worker.get();
    }
  }
  return found;
}

}  // namespace tiphys::kubelet
