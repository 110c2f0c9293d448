// Gate: holds every background task of an owner, so that stop() can wait for all of them.
// One loop's thread only. (After Seastar's gate.)
#pragma once
#include "async/loop.h"

namespace tiphys {

class Gate {
 public:
  explicit Gate(Loop& loop) : empty_(loop) { empty_.set(); }
  // Starts the task now. After close() was called, new tasks are dropped unstarted.
  void spawn(Task<void> task);
  // Refuses new tasks and waits until none is left. May be called once.
  Task<void> close();
  int size() const { return running_; }

 private:
  Task<void> hold(Task<void> task);
  Event empty_;
  int running_ = 0;
  bool closed_ = false;
};

}  // namespace tiphys
