#include "kubelet/volumes/empty_dir_limits.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/volumes/volumes.h"
#include "object/quantity.h"
#include "os/tree_size.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(10);  // upstream's, of the eviction manager
constexpr int kRestFactor = 20;
constexpr int64_t kMaxEntries = 2'000'000;
constexpr Duration kNoLimit = std::chrono::hours(24);
constexpr int32_t kSystemCriticalPriority = 2'000'000'000;
constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";

bool is_critical(core_v1::Pod pod) {
  std::string_view source = pod.metadata().annotations().find(kConfigSourceAnnotation);
  return pod.metadata().annotations().contains(kMirrorAnnotation) ||
         (!source.empty() && source != "api") || pod.spec().priority() >= kSystemCriticalPriority;
}

}  // namespace

std::vector<EmptyDirLimit> empty_dir_limits(const std::vector<ObjectPtr>& pods,
                                            const std::string& root_dir) {
  std::vector<EmptyDirLimit> out;
  for (const ObjectPtr& object : pods) {
    core_v1::Pod pod(*object);
    if (is_critical(pod)) continue;
    std::string uid(pod.metadata().uid());
    for (core_v1::Volume volume : pod.spec().volumes()) {
      std::string_view text = volume.empty_dir().size_limit();
      int64_t bytes = Quantity::of(text).value();
      // What is in memory can't grow over its limit.
      if (bytes <= 0 || !volume.empty_dir().medium().empty()) continue;
      std::string name(volume.name());
      out.push_back({uid, name, empty_dir_path(root_dir + "/pods/" + uid, name), bytes,
                     "Usage of EmptyDir volume " + go_quote(name) + " exceeds the limit " +
                         go_quote(text) + ". "});
    }
  }
  return out;
}

EmptyDirLimits::EmptyDirLimits(NodeServices& node, Host host)
    : node_(node), host_(std::move(host)), gate_(node.loop) {}

void EmptyDirLimits::start() { gate_.spawn(run()); }

Task<void> EmptyDirLimits::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> EmptyDirLimits::run() {
  Duration rest = kPeriod;
  while (!stop_.stop_requested()) {
    (void)co_await sleep_for(node_.loop, rest, stop_.token());
    MonoTime start = node_.loop.mono();
    std::vector<EmptyDirLimit> limits =
        empty_dir_limits(host_.active_pods(), node_.options.root_dir);
    for (const EmptyDirLimit& limit : limits) {
      if (!stop_.stop_requested()) co_await measure(limit);
    }
    rest = std::max<Duration>(kPeriod, (node_.loop.mono() - start) * kRestFactor);
  }
}

Task<void> EmptyDirLimits::measure(EmptyDirLimit limit) {
  os::TreeSizeLimits bounds{limit.bytes + 1, kMaxEntries};
  std::string path = limit.path;
  std::move_only_function<Result<os::TreeSize>()> call = [path, bounds] {
    return os::tree_size(path, bounds);
  };
  std::optional<Result<os::TreeSize>> size = co_await node_.disk_calls.run<Result<os::TreeSize>>(
      path, std::move(call), kNoLimit, stop_.token());
  if (!size || !*size || (*size)->bytes <= limit.bytes) co_return;
  LOG_INFO("Evicting a pod", {"uid", limit.uid}, {"volume", limit.volume},
           {"bytes", (*size)->bytes});
  host_.evict(limit.uid, limit.message);
}

}  // namespace tiphys::kubelet
