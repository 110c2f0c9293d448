#include "async/pool.h"

#include <signal.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace tiphys {

namespace {
constexpr auto kIdleTime = std::chrono::seconds(10);
}

struct WorkerPool::State {
  explicit State(int limit) : max_threads(limit) {}
  const int max_threads;
  std::mutex mutex;  // guards all below
  std::condition_variable work_came;
  std::condition_variable thread_ended;
  std::deque<std::move_only_function<void()>> queue;
  int threads = 0;
  int idle = 0;
  bool closing = false;

  // True when there is work; false when the thread should end. Holds the lock.
  bool wait_for_work(std::unique_lock<std::mutex>& lock) {
    ++idle;
    work_came.wait_for(lock, kIdleTime, [this] { return !queue.empty() || closing; });
    --idle;
    return !queue.empty();
  }
  void work() {
    std::unique_lock lock(mutex);
    while (wait_for_work(lock)) {
      auto job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // what it holds goes away before the next wait
      lock.lock();
    }
    --threads;
    thread_ended.notify_all();
  }
};

namespace {
// Signals are the loop thread's business: new threads take none.
template <class Fn>
void start_thread(Fn fn) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(std::move(fn)).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}
}  // namespace

WorkerPool::WorkerPool(int max_threads, AtEnd at_end)
    : state_(std::make_shared<State>(max_threads)), at_end_(at_end) {}

WorkerPool::~WorkerPool() {
  std::unique_lock lock(state_->mutex);
  state_->closing = true;
  if (at_end_ == AtEnd::kAbandon) state_->queue.clear();
  state_->work_came.notify_all();
  if (at_end_ == AtEnd::kAbandon) return;
  state_->thread_ended.wait(lock, [this] { return state_->threads == 0; });
}

void WorkerPool::submit(std::move_only_function<void()> work) {
  if (state_->max_threads == 0) return work();
  std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(work));
  bool enough = state_->idle >= static_cast<int>(state_->queue.size());
  if (enough || state_->threads >= state_->max_threads) {
    state_->work_came.notify_one();
    return;
  }
  ++state_->threads;
  start_thread([state = state_] { state->work(); });
}

}  // namespace tiphys
