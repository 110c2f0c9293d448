#include "kubelet/images/image_gc.h"

#include <algorithm>

#include "base/log.h"
#include "kubelet/runtime/containerd_config.h"

namespace tiphys::kubelet {
namespace {

constexpr Duration kPeriod = std::chrono::minutes(5);
constexpr int64_t kNever = 100;  // as high threshold

MicroTime micros(Duration duration) { return duration / std::chrono::microseconds(1); }

}  // namespace

void ImageGc::start() {
  bool wanted = node_.options.image_gc_high_threshold_percent != kNever ||
                node_.options.image_maximum_gc_age > Duration::zero();
  if (wanted) gate_.spawn(run());
}

Task<void> ImageGc::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> ImageGc::run() {
  while (!stop_.stop_requested()) {
    bool up = co_await node_.containerd.wait_ready(stop_.token());
    if (!up) co_return;
    Result<void> done = co_await collect();
    if (!done && failed_) {
      LOG_ERROR("Image garbage collection failed multiple times in a row", {"err", done.error()});
      node_.events.record(*node_.reference, "Warning", "ImageGCFailed", done.error().message());
    } else if (!done) {
      LOG_WARNING("Image garbage collection failed once", {"err", done.error()});
    }
    failed_ = !done;
    (void)co_await sleep_for(node_.loop, kPeriod, stop_.token());
  }
}

Task<Result<void>> ImageGc::observe() {
  Result<RuntimeList> list = co_await node_.runtime.list("");
  if (!list) co_return list.error();
  Result<std::vector<ImageRecord>> images = co_await node_.runtime.list_images();
  if (!images) co_return images.error();
  std::set<std::string> used;
  for (const ContainerRecord& c : list->containers) used.insert(c.image_id);
  for (ImageRecord& image : *images) {
    // Runtimes of before CRI's `pinned` don't say it of the sandboxes' image.
    if (std::ranges::count(image.names, kPauseImageName) > 0) image.pinned = true;
  }
  ages_.observe(*images, used, node_.loop.wall());
  co_return Result<void>();
}

// Ends once that many bytes are freed. What can't be removed stays.
Task<int64_t> ImageGc::remove(std::vector<std::string> ids, int64_t bytes, std::string reason) {
  int64_t freed = 0;
  for (const std::string& id : ids) {
    if (freed >= bytes || stop_.stop_requested()) break;
    Result<void> removed = co_await node_.runtime.remove_image(id);
    if (!removed) {
      LOG_WARNING("Image can't be removed", {"image", id}, {"err", removed.error()});
      continue;
    }
    LOG_INFO("Removed image", {"image", id}, {"bytes", ages_.size_of(id)});
    node_.metrics.image_removed(reason);
    freed += ages_.size_of(id);
    ages_.forget(id);
  }
  if (freed > 0) co_await node_.containerd.forget_imports();
  co_return freed;
}

Task<Result<void>> ImageGc::collect() {
  const Options& options = node_.options;
  Result<void> seen = co_await observe();
  if (!seen) co_return seen.error();
  std::vector<std::string> old =
      ages_.expired(micros(options.image_maximum_gc_age), node_.loop.wall());
  if (!old.empty()) (void)co_await remove(old, INT64_MAX, "age");
  if (options.image_gc_high_threshold_percent == kNever) co_return Result<void>();
  auto disk = disk_;
  DiskUse use = co_await run_blocking(node_.loop, node_.pool, [disk] { return disk(); });
  if (use.capacity == 0) {
    std::string message = "invalid capacity 0 on image filesystem";
    node_.events.record(*node_.reference, "Warning", "InvalidDiskCapacity", message);
    co_return ApiStatus::internal(message);
  }
  int64_t wanted =
      image_bytes_to_free(use.capacity, use.available, options.image_gc_high_threshold_percent,
                          options.image_gc_low_threshold_percent);
  if (wanted == 0) co_return Result<void>();
  int64_t freed = co_await remove(
      ages_.removable(micros(options.image_minimum_gc_age), node_.loop.wall()), wanted, "space");
  if (freed >= wanted || stop_.stop_requested()) co_return Result<void>();
  std::string message = "Failed to garbage collect required amount of images. Attempted to free " +
                        std::to_string(wanted) + " bytes, but only found " + std::to_string(freed) +
                        " bytes eligible to free.";
  node_.events.record(*node_.reference, "Warning", "FreeDiskSpaceFailed", message);
  co_return ApiStatus::internal(message);
}

}  // namespace tiphys::kubelet
