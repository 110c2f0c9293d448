// FullDisk: while it lives, this process's files end after a few bytes, as on a disk that is full.
// For tests only.
#pragma once
#include <signal.h>
#include <sys/resource.h>

namespace tiphys::kubelet {

class FullDisk {
 public:
  FullDisk() : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit few{kBytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &few);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  static constexpr rlim_t kBytes = 16;
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace tiphys::kubelet
