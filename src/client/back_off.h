// BackOff: growing, jittered waits between tries of something that fails. Pure but for its Random.
#pragma once
#include <algorithm>

#include "base/random.h"
#include "base/time.h"

namespace tiphys::client {

class BackOff {
 public:
  struct Options {
    Duration first = std::chrono::milliseconds(800);
    Duration limit = std::chrono::seconds(30);
    Duration calm = std::chrono::minutes(2);  // so long without a failure: starts again
  };
  BackOff(Random& random, Options options) : random_(random), options_(options) {}

  // How long to wait after a failure at `now`: doubled from time to time, plus up to as much again.
  Duration next(MonoTime now) {
    bool calm = current_ == Duration::zero() || now - last_ > options_.calm;
    current_ = calm ? options_.first : std::min(current_ * 2, options_.limit);
    last_ = now;
    auto bound = static_cast<uint64_t>(current_.count());
    return current_ + Duration(static_cast<int64_t>(random_.below(bound)));
  }
  void reset() { current_ = Duration::zero(); }

 private:
  Random& random_;
  Options options_;
  Duration current_ = Duration::zero();
  MonoTime last_ = MonoTime::zero();
};

}  // namespace tiphys::client
