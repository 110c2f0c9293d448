// ImageGc: every five minutes, and at the start, removes images that nothing uses: those that were
// not used for imageMaximumGCAge, and if more than imageGCHighThresholdPercent of their file system
// is used, the longest unused until imageGCLowThresholdPercent is reached.
//
// Loop thread only. Images of tarballs that were imported come back from there when they are asked
// for. What the runtime's sandboxes are made of stays. Everything it references outlives it.
#pragma once
#include <functional>

#include "async/gate.h"
#include "kubelet/images/image_ages.h"
#include "kubelet/pods/node_services.h"

namespace tiphys::kubelet {

class ImageGc {
 public:
  struct DiskUse {
    int64_t capacity = 0;
    int64_t available = 0;
  };
  // disk: of the file system that holds images; blocks shortly.
  ImageGc(NodeServices& node, std::function<DiskUse()> disk)
      : node_(node), disk_(std::move(disk)), gate_(node.loop) {}
  void start();
  Task<void> stop();

 private:
  Task<void> run();
  Task<Result<void>> collect();
  Task<Result<void>> observe();
  Task<int64_t> remove(std::vector<std::string> ids, int64_t bytes, std::string reason);

  NodeServices& node_;
  std::function<DiskUse()> disk_;
  Gate gate_;
  StopSource stop_;
  ImageAges ages_;
  bool failed_ = false;  // the last time
};

}  // namespace tiphys::kubelet
