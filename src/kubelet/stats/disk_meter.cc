#include "kubelet/stats/disk_meter.h"

#include <algorithm>

namespace tiphys::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::minutes(1);
constexpr int kRestFactor = 20;
constexpr Duration kPatience = std::chrono::seconds(1);
constexpr Duration kNoLimit = std::chrono::hours(24);

}  // namespace

Task<std::map<std::string, PodDisk>> DiskMeter::read(std::vector<PodDiskPlan> pods) {
  std::erase_if(entries_, [&](const auto& entry) {
    return std::ranges::find(pods, entry.first, &PodDiskPlan::uid) == pods.end();
  });
  if (!busy_) {
    MonoTime now = node_.loop.mono();
    std::vector<PodDiskPlan> due = pods;
    std::erase_if(due, [&](const PodDiskPlan& pod) {
      auto known = entries_.find(pod.uid);
      return known != entries_.end() && now < known->second.next;
    });
    if (!due.empty() && !stop_.stop_requested()) {
      busy_ = true;
      done_.reset();
      gate_.spawn(measure_all(std::move(due)));
    }
  }
  if (busy_) (void)co_await done_.wait(stop_.token(), kPatience);
  std::map<std::string, PodDisk> out;
  for (const auto& [uid, entry] : entries_) out.emplace(uid, entry.disk);
  co_return out;
}

Task<void> DiskMeter::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> DiskMeter::measure_all(std::vector<PodDiskPlan> pods) {
  for (const PodDiskPlan& pod : pods) {
    if (!stop_.stop_requested()) co_await measure(pod);
  }
  busy_ = false;
  done_.set();
}

Task<void> DiskMeter::measure(PodDiskPlan plan) {
  MonoTime start = node_.loop.mono();
  std::string uid = plan.uid;
  std::move_only_function<PodDisk()> call = [plan, now = node_.loop.wall()] {
    return measure_pod_disk(plan, now);
  };
  std::optional<PodDisk> disk = co_await node_.disk_calls.run<PodDisk>(
      "usage of " + uid, std::move(call), kNoLimit, stop_.token());
  if (!disk) co_return;
  MonoTime end = node_.loop.mono();
  Duration rest = std::max<Duration>(kPeriod, (end - start) * kRestFactor);
  entries_[uid] = Entry{std::move(*disk), end + rest};
}

}  // namespace tiphys::kubelet
