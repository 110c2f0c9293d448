// Deadline: a stop token that also stops when its time is over. One loop's thread only.
#pragma once
#include "async/loop.h"

namespace tiphys {

class Deadline {
 public:
  Deadline(Loop& loop, Duration timeout, const StopToken& parent)
      : loop_(loop), source_(parent), timer_(loop.call_after(timeout, [this] {
          passed_ = true;
          source_.request_stop();
        })) {}
  ~Deadline() { loop_.cancel(timer_); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  StopToken token() const { return source_.token(); }
  bool passed() const { return passed_; }

 private:
  Loop& loop_;
  StopSource source_;
  bool passed_ = false;
  Loop::TimerId timer_;
};

}  // namespace tiphys
