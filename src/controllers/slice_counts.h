// Slice counts: what a round of a controller of EndpointSlices changes and leaves behind, for its
// metrics. Pure but for the totals; loop thread only.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "controllers/action.h"
#include "controllers/controller_metrics.h"

namespace tiphys::controllers {

struct SliceCounts {
  // Of endpoints; the same one has the same address and target.
  size_t added = 0;
  size_t updated = 0;
  size_t removed = 0;
  size_t changed_slices = 0;
  // Afterwards.
  size_t endpoints = 0;
  size_t slices = 0;
  size_t desired_slices = 0;  // if all but one of the same ports were full
};
// before: the slices as they are; actions: what is to be done with them.
SliceCounts count_slices(const std::vector<ObjectPtr>& before, const std::vector<Action>& actions,
                         size_t most_in_a_slice);

// The gauges over all Services.
class SliceTotals {
 public:
  explicit SliceTotals(SliceMetrics& metrics) : metrics_(metrics) {}
  void put(const std::string& key, const SliceCounts& counts);
  void erase(const std::string& key);
  // A slice was written or deleted.
  void count_change(const Action& action);

 private:
  void tell();
  SliceMetrics& metrics_;
  std::map<std::string, SliceCounts> of_;
  SliceCounts sum_;
};

}  // namespace tiphys::controllers
