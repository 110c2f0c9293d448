#include "async/gate.h"

namespace tiphys {

void Gate::spawn(Task<void> task) {
  if (closed_) return;
  ++running_;
  empty_.reset();
  tiphys::spawn(hold(std::move(task)));
}

Task<void> Gate::hold(Task<void> task) {
  co_await std::move(task);
  if (--running_ == 0) empty_.set();
}

Task<void> Gate::close() {
  closed_ = true;
  co_await empty_.wait();
}

}  // namespace tiphys
