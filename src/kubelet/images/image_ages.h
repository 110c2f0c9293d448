// ImageAges: since when images are there and when they were last used, and which may be removed.
// Pure; times are wall times. After upstream's pkg/kubelet/images/image_gc_manager.go.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

class ImageAges {
 public:
  // What is there now, and the ids of images that containers use. Images of the first call are
  // taken to have been there for ever.
  void observe(const std::vector<ImageRecord>& images, const std::set<std::string>& used,
               MicroTime now);
  // Images that nothing uses, none pinned, at least min_age old; the longest unused first.
  std::vector<std::string> removable(MicroTime min_age, MicroTime now) const;
  // Those of them that weren't used for max_age.
  std::vector<std::string> expired(MicroTime max_age, MicroTime now) const;
  int64_t size_of(const std::string& id) const;
  void forget(const std::string& id) { records_.erase(id); }

 private:
  struct Record {
    MicroTime first_seen = 0;
    MicroTime last_used = 0;
    int64_t size_bytes = 0;
    bool kept = false;  // used or pinned
  };
  std::map<std::string, Record> records_;  // by id
  bool observed_ = false;
  MicroTime started_ = 0;  // the first observation
};

// Bytes to free so that no more than `low` percent are used; 0: less than `high` are.
int64_t image_bytes_to_free(int64_t capacity, int64_t available, int64_t high, int64_t low);

}  // namespace tiphys::kubelet
