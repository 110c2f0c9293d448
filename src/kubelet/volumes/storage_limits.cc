#include "kubelet/volumes/storage_limits.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kinds/pods.h"
#include "kubelet/pods/configs.h"
#include "kubelet/volumes/volumes.h"
#include "os/tree_size.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(10);  // upstream's, of the eviction manager
constexpr int kRestFactor = 20;
constexpr int64_t kMaxEntries = 2'000'000;
constexpr Duration kNoLimit = std::chrono::hours(24);
constexpr int32_t kSystemCriticalPriority = 2'000'000'000;
constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
constexpr std::string_view kResource = "ephemeral-storage";

bool is_critical(core_v1::Pod pod) {
  std::string_view source = pod.metadata().annotations().find(kConfigSourceAnnotation);
  return pod.metadata().annotations().contains(kMirrorAnnotation) ||
         (!source.empty() && source != "api") || pod.spec().priority() >= kSystemCriticalPriority;
}

std::optional<StorageLimit> limit_of(std::string_view text) {
  int64_t bytes = Quantity::of(text).value();
  if (bytes <= 0) return std::nullopt;
  return StorageLimit{bytes, std::string(text)};
}

PodStorage limits_of(core_v1::Pod pod) {
  PodStorage out;
  out.uid = std::string(pod.metadata().uid());
  out.label = pod_label(pod);
  out.log_folder = pod_log_folder(pod);
  for (core_v1::Volume volume : pod.spec().volumes()) {
    // What is in memory can't grow over its limit.
    if (!volume.empty_dir().medium().empty()) continue;
    auto limit = limit_of(volume.empty_dir().size_limit());
    if (limit) out.volumes.emplace(volume.name(), *limit);
  }
  for (core_v1::Container c : pod.spec().containers()) {
    auto limit = limit_of(c.resources().limits().find(kResource));
    if (limit) out.containers.emplace(c.name(), *limit);
  }
  kinds::ResourceSums sums = kinds::pod_limits(pod.spec());
  auto total = sums.find(kResource);
  if (total != sums.end()) out.pod = limit_of(total->second.text());
  return out;
}

// What is in the way of measuring counts as nothing.
int64_t bytes_of(const std::string& folder) {
  Result<os::TreeSize> size = os::tree_size(folder, {INT64_MAX, kMaxEntries});
  return size ? size->bytes : 0;
}

// Blocks.
PodStorageUse measure(const PodStorage& limits, const std::string& folder, const std::string& logs,
                      const std::map<std::string, int64_t>& layers) {
  PodStorageUse out;
  for (const auto& [name, limit] : limits.volumes) {
    os::TreeSizeLimits enough{limit.bytes + 1, kMaxEntries};
    Result<os::TreeSize> size = os::tree_size(empty_dir_path(folder, name), enough);
    if (size) out.volumes[name] = size->bytes;
  }
  if (!limits.pod && limits.containers.empty()) return out;
  for (const auto& [name, bytes] : layers) {
    out.containers[name] = bytes + bytes_of(logs + "/" + name);
  }
  out.rest = bytes_of(folder);
  return out;
}

}  // namespace

std::vector<PodStorage> storage_limits(const std::vector<ObjectPtr>& pods) {
  std::vector<PodStorage> out;
  for (const ObjectPtr& object : pods) {
    core_v1::Pod pod(*object);
    if (is_critical(pod)) continue;
    PodStorage one = limits_of(pod);
    if (one.pod || !one.volumes.empty() || !one.containers.empty()) out.push_back(std::move(one));
  }
  return out;
}

std::string storage_excess(const PodStorage& limits, const PodStorageUse& use) {
  for (const auto& [name, bytes] : use.volumes) {
    const StorageLimit& limit = limits.volumes.at(name);
    if (bytes > limit.bytes) {
      return "Usage of EmptyDir volume " + go_quote(name) + " exceeds the limit " +
             go_quote(limit.text) + ". ";
    }
  }
  int64_t total = use.rest;
  for (const auto& [name, bytes] : use.containers) total += bytes;
  if (limits.pod && total > limits.pod->bytes) {
    return "Pod ephemeral local storage usage exceeds the total limit of containers " +
           limits.pod->text + ". ";
  }
  for (const auto& [name, bytes] : use.containers) {
    auto limit = limits.containers.find(name);
    if (limit == limits.containers.end() || bytes <= limit->second.bytes) continue;
    return "Container " + name + " exceeded its local ephemeral storage limit " +
           go_quote(limit->second.text) + ". ";
  }
  return "";
}

StorageLimits::StorageLimits(NodeServices& node, Host host)
    : node_(node), host_(std::move(host)), gate_(node.loop) {}

void StorageLimits::start() { gate_.spawn(run()); }

Task<void> StorageLimits::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> StorageLimits::run() {
  Duration rest = kPeriod;
  while (!stop_.stop_requested()) {
    (void)co_await sleep_for(node_.loop, rest, stop_.token());
    MonoTime start = node_.loop.mono();
    co_await check_all();
    rest = std::max<Duration>(kPeriod, (node_.loop.mono() - start) * kRestFactor);
  }
}

Task<void> StorageLimits::check_all() {
  std::vector<PodStorage> pods = storage_limits(host_.active_pods());
  bool any = std::any_of(pods.begin(), pods.end(),
                         [](const PodStorage& p) { return p.pod || !p.containers.empty(); });
  Layers layers;
  if (any) layers = co_await writable_layers();
  for (const PodStorage& pod : pods) {
    if (!stop_.stop_requested()) co_await check(pod, layers);
  }
}

Task<StorageLimits::Layers> StorageLimits::writable_layers() {
  Layers out;
  Result<std::vector<UsageRecord>> told = co_await node_.runtime.list_usage();
  if (!told) co_return out;
  for (const UsageRecord& one : *told) out[one.container_id] = one.writable_bytes;
  co_return out;
}

Task<void> StorageLimits::check(PodStorage limits, Layers layers) {
  std::map<std::string, int64_t> mine;  // by name
  for (const auto& [id, name] : host_.containers(limits.uid)) {
    auto layer = layers.find(id);
    mine[name] += layer == layers.end() ? 0 : layer->second;
  }
  std::string folder = node_.pod_folder(limits.uid);
  std::string logs = node_.options.pod_logs_dir + "/" + limits.log_folder;
  std::move_only_function<PodStorageUse()> call = [limits, folder, logs, mine] {
    return measure(limits, folder, logs, mine);
  };
  std::optional<PodStorageUse> use = co_await node_.disk_calls.run<PodStorageUse>(
      "measure " + folder, std::move(call), kNoLimit, stop_.token());
  if (!use) co_return;
  std::string message = storage_excess(limits, *use);
  if (message.empty()) co_return;
  LOG_INFO("Evicting a pod", {"pod", limits.label}, {"why", message});
  host_.evict(limits.uid, message);
}

}  // namespace tiphys::kubelet
