#include "kubelet/volumes/volume_calls.h"

namespace tiphys::kubelet {

VolumeCalls::VolumeCalls(Loop& loop, int max_threads)
    : loop_(loop),
      pool_(max_threads, WorkerPool::AtEnd::kAbandon),
      link_(std::make_shared<Link>()) {
  link_->owner = this;
}

VolumeCalls::~VolumeCalls() {
  std::lock_guard lock(link_->mutex);
  link_->owner = nullptr;
}

void VolumeCalls::ended(const std::string& key) {
  auto done = running_.extract(key);
  if (done) done.mapped()->set();
}

Task<bool> VolumeCalls::run_keyed(std::string key, std::move_only_function<void()> call,
                                  Duration limit, StopToken stop) {
  MonoTime end = loop_.mono() + limit;
  for (auto other = running_.find(key); other != running_.end(); other = running_.find(key)) {
    std::shared_ptr<Event> busy = other->second;
    if (loop_.mono() >= end) co_return false;
    bool free = co_await busy->wait(stop, end - loop_.mono());
    if (!free) co_return false;
  }
  auto done = std::make_shared<Event>(loop_);
  running_.emplace(key, done);
  pool_.submit([link = link_, key, call = std::move(call)]() mutable {
    call();
    std::lock_guard lock(link->mutex);
    VolumeCalls* owner = link->owner;
    if (!owner) return;
    owner->loop_.post([link, key] {
      if (link->owner) link->owner->ended(key);  // the loop's thread: no lock is needed
    });
  });
  if (loop_.mono() >= end) co_return false;
  bool ended = co_await done->wait(stop, end - loop_.mono());
  co_return ended;
}

}  // namespace tiphys::kubelet
