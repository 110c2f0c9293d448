#include "async/epoll_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "async/timer_queue.h"
#include "os/files.h"

namespace tiphys {

namespace {

constexpr int kEventsPerWait = 256;
// Epoll's user data of the eventfd that wakes the loop; watches use (generation << 32 | fd).
constexpr uint64_t kWakeData = ~uint64_t{0};

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "event loop: %s: %s\n", what, std::strerror(errno));
  std::abort();
}

}  // namespace

struct EpollLoop::Impl {
  struct Watch {
    uint32_t generation;
    FdCallback callback;
  };

  os::Fd epoll;
  os::Fd wake;
  SystemClock clock;
  std::atomic<bool> stopping = false;
  std::atomic<std::thread::id> home = std::this_thread::get_id();  // what in_loop() tells
  std::atomic<std::thread::id> runner = {};                        // set only inside run()

  std::mutex mutex;  // guards incoming, woken
  std::vector<Callback> incoming;
  bool woken = false;

  // Loop thread only.
  std::deque<Callback> ready;
  TimerQueue timers;
  std::vector<std::unique_ptr<Watch>> watches;    // by descriptor
  std::vector<std::unique_ptr<Watch>> unwatched;  // kept until no callback of theirs can run
  uint32_t generation = 0;

  void wake_up() {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(wake.get(), &one, sizeof one);
  }
  void take_incoming() {
    std::vector<Callback> taken;
    {
      std::lock_guard lock(mutex);
      taken.swap(incoming);
      woken = false;
    }
    for (Callback& callback : taken) ready.push_back(std::move(callback));
  }
  // Runs what was ready at the call, not what it adds: descriptors and timers get their turn.
  void run_ready() {
    for (size_t left = ready.size(); left > 0 && !stopping; --left) {
      Callback callback = std::move(ready.front());
      ready.pop_front();
      callback();
    }
  }
  void run_timers() {
    if (timers.empty()) return;
    MonoTime now = clock.mono();
    TimerQueue& queue = timers;
    while (!stopping) {
      Callback callback = queue.take_due(now);
      if (!callback) break;
      callback();
    }
  }
  int wait_ms() const {
    if (!ready.empty() || stopping) return 0;
    auto next = timers.next_time();
    if (!next) return -1;
    auto left = *next - clock.mono();
    if (left.count() <= 0) return 0;
    auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::min<int64_t>(ms, 60'000));
  }
  void poll() {
    epoll_event events[kEventsPerWait];
    int count = epoll_wait(epoll.get(), events, kEventsPerWait, wait_ms());
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count && !stopping; ++i) dispatch(events[i]);
    unwatched.clear();
  }
  void dispatch(const epoll_event& event) {
    if (event.data.u64 == kWakeData) {
      uint64_t count;
      [[maybe_unused]] ssize_t got = ::read(wake.get(), &count, sizeof count);
      return;
    }
    size_t fd = event.data.u64 & 0xffffffff;
    if (fd >= watches.size() || !watches[fd]) return;
    Watch& watch = *watches[fd];
    if (watch.generation == event.data.u64 >> 32) watch.callback(event.events);
  }
};

EpollLoop::EpollLoop() : impl_(std::make_unique<Impl>()) {
  impl_->epoll.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!impl_->epoll.valid()) die("epoll_create1");
  impl_->wake.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl_->wake.valid()) die("eventfd");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = kWakeData}};
  if (epoll_ctl(impl_->epoll.get(), EPOLL_CTL_ADD, impl_->wake.get(), &event) != 0) {
    die("epoll_ctl");
  }
}

EpollLoop::~EpollLoop() = default;

void EpollLoop::run() {
  impl_->home = std::this_thread::get_id();
  impl_->runner = std::this_thread::get_id();
  while (!impl_->stopping) {
    impl_->take_incoming();
    impl_->run_ready();
    impl_->run_timers();
    if (!impl_->stopping) impl_->poll();
  }
  impl_->stopping = false;
  impl_->runner = std::thread::id();
}

void EpollLoop::stop() {
  impl_->stopping = true;
  impl_->wake_up();
}

void EpollLoop::watch(int fd, FdCallback callback) {
  if (impl_->watches.size() <= static_cast<size_t>(fd)) impl_->watches.resize(fd + 1);
  uint32_t generation = ++impl_->generation & 0x7fffffff;
  impl_->watches[fd] = std::make_unique<Impl::Watch>(generation, std::move(callback));
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                    .data = {.u64 = uint64_t{generation} << 32 | static_cast<uint32_t>(fd)}};
  if (epoll_ctl(impl_->epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) die("watch");
}

void EpollLoop::unwatch(int fd) {
  if (static_cast<size_t>(fd) >= impl_->watches.size() || !impl_->watches[fd]) return;
  epoll_ctl(impl_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
  // Its callback may be what runs now.
  impl_->unwatched.push_back(std::move(impl_->watches[fd]));
}

void EpollLoop::post(Callback callback) {
  if (impl_->runner.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    impl_->ready.push_back(std::move(callback));
    return;
  }
  bool wake;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->incoming.push_back(std::move(callback));
    wake = !impl_->woken;
    impl_->woken = true;
  }
  if (wake) impl_->wake_up();
}

Loop::TimerId EpollLoop::call_at(MonoTime when, Callback callback) {
  return impl_->timers.add(when, std::move(callback));
}

void EpollLoop::cancel(TimerId timer) { impl_->timers.cancel(timer); }
bool EpollLoop::in_loop() const { return impl_->home.load() == std::this_thread::get_id(); }
MicroTime EpollLoop::wall() const { return impl_->clock.wall(); }
MonoTime EpollLoop::mono() const { return impl_->clock.mono(); }

}  // namespace tiphys
