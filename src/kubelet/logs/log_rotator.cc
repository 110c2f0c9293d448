#include "kubelet/logs/log_rotator.h"

#include "base/log.h"
#include "kubelet/logs/rotation.h"

namespace tiphys::kubelet {

void LogRotator::start() {
  if (node_.options.container_log_max_size >= 0) gate_.spawn(run());
}

Task<void> LogRotator::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

Task<void> LogRotator::run() {
  while (!stop_.stop_requested()) {
    (void)co_await sleep_for(node_.loop, node_.options.container_log_monitor_interval,
                             stop_.token());
    if (stop_.stop_requested()) co_return;
    co_await rotate_all();
  }
}

LogRotator::Logs LogRotator::running_logs() const {
  Logs out;
  for (const PodWorker* worker : pods_.workers()) {
    for (const ContainerRecord& c : worker->runtime_state().containers) {
      bool writes = c.state == ContainerState::kRunning && !c.log_path.empty();
      if (writes) out.push_back({c.id, c.log_path});
    }
  }
  return out;
}

Task<void> LogRotator::rotate_all() {
  Logs logs = running_logs();
  int64_t limit = node_.options.container_log_max_size;
  auto due = co_await run_blocking(node_.loop, node_.pool, [logs, limit] {
    auto large = std::make_shared<Logs>();
    for (const Log& log : logs) {
      int64_t size = log_bytes(log.path);
      if (size < 0 || size >= limit) large->push_back(log);
    }
    return large;
  });
  Gate workers(node_.loop);
  for (int64_t i = 0; i < node_.options.container_log_max_workers; ++i) workers.spawn(work(due));
  co_await workers.close();
}

Task<void> LogRotator::work(std::shared_ptr<Logs> queue) {
  while (!queue->empty() && !stop_.stop_requested()) {
    Log next = queue->front();
    queue->pop_front();
    co_await rotate(next);
  }
}

Task<void> LogRotator::rotate(Log log) {
  std::string path = log.path;
  int64_t max_files = node_.options.container_log_max_files;
  MicroTime now = node_.loop.wall();
  Result<std::string> rotated = co_await run_blocking(
      node_.loop, node_.pool, [path, max_files, now]() -> Result<std::string> {
        if (log_bytes(path) < 0) return std::string();  // lost: a new one is opened
        return rotate_log(path, max_files, now);
      });
  if (!rotated) {
    LOG_WARNING("Failed to rotate log for container", {"container", log.container}, {"path", path},
                {"err", rotated.error()});
    co_return;
  }
  Result<void> opened = co_await node_.runtime.reopen_log(log.container);
  if (opened) co_return;
  LOG_WARNING("Failed to reopen container log", {"container", log.container}, {"path", path},
              {"err", opened.error()});
  std::string back = *rotated;
  if (back.empty()) co_return;
  // Tried again in the next round.
  co_await run_blocking(node_.loop, node_.pool, [back, path] { undo_rotation(back, path); });
}

}  // namespace tiphys::kubelet
