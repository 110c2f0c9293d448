// EpollLoop: the real Loop, over epoll, eventfd and the machine's clocks.
#pragma once
#include <memory>

#include "async/loop.h"

namespace tiphys {

class EpollLoop : public Loop {
 public:
  EpollLoop();
  ~EpollLoop() override;

  // Runs until stop(); may be called again. The calling thread becomes the loop's.
  void run();
  // Makes run() return after the current callback. Thread-safe.
  void stop();

  // Watches a descriptor, edge-triggered, with EPOLLIN|EPOLLOUT|EPOLLRDHUP; the callback gets the
  // ready events. One watch per descriptor. unwatch() before close(2); the callback is never
  // called after it returned.
  using FdCallback = std::function<void(uint32_t events)>;
  void watch(int fd, FdCallback callback);
  void unwatch(int fd);

  void post(Callback callback) override;
  TimerId call_at(MonoTime when, Callback callback) override;
  void cancel(TimerId timer) override;
  bool in_loop() const override;
  MicroTime wall() const override;
  MonoTime mono() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tiphys
