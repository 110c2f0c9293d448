// SimLoop: a Loop on virtual time. Time stands still while callbacks run and jumps to the next
// timer when none is left, so a simulated month takes as long as its events. Deterministic.
#pragma once
#include <memory>

#include "async/loop.h"

namespace tiphys {

class SimLoop : public Loop {
 public:
  // `wall_start` is wall() at mono() == 0.
  explicit SimLoop(MicroTime wall_start = 1'700'000'000 * kMicrosPerSecond);
  ~SimLoop() override;

  // Runs callbacks and due timers until nothing is left to run at the current time.
  void run_ready();
  // Runs everything that happens up to now + span, then sets the time there.
  void run_for(Duration span);
  // Runs (jumping over time) until the predicate holds, checked after each callback. False if
  // nothing is left or `limit` of virtual time passed.
  bool run_until(const std::function<bool()>& predicate, Duration limit = std::chrono::hours(1));
  // Runs one task to its end, jumping over time; aborts the process if it can never finish.
  template <class T>
  T run(Task<T> task);

  void post(Callback callback) override;  // thread-safe, for code under test that has threads
  TimerId call_at(MonoTime when, Callback callback) override;
  void cancel(TimerId timer) override;
  bool in_loop() const override { return true; }
  MicroTime wall() const override;
  MonoTime mono() const override;
  // Shifts wall() only: a clock jump.
  void jump_wall(Duration by);

 private:
  [[noreturn]] static void deadlock();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

namespace sim_detail {
template <class T>
Task<void> store_result(Task<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
}
inline Task<void> store_done(Task<void> task, bool* done) {
  co_await std::move(task);
  *done = true;
}
}  // namespace sim_detail

template <class T>
T SimLoop::run(Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    bool done = false;
    spawn(sim_detail::store_done(std::move(task), &done));
    if (!done && !run_until([&] { return done; }, std::chrono::hours(24 * 3650))) deadlock();
  } else {
    std::optional<T> value;
    spawn(sim_detail::store_result(std::move(task), &value));
    if (!value && !run_until([&] { return value.has_value(); }, std::chrono::hours(24 * 3650)))
      deadlock();
    return std::move(*value);
  }
}

}  // namespace tiphys
