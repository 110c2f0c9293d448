// IndexRanges: a set of completion indexes of an Indexed Job as ordered ranges, and as the text
// that status.completedIndexes holds: "0,2-4". A value.
// Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::controllers {

class IndexRanges {
 public:
  struct Range {
    int32_t first = 0;
    int32_t last = 0;  // at least first
    bool operator==(const Range&) const = default;
  };
  // What is no range is passed over; indexes from `completions` on are left out.
  static IndexRanges parse(std::string_view text, int32_t completions);

  void add(const std::vector<int32_t>& indexes);
  void add(const IndexRanges& other);
  bool has(int32_t index) const;
  int32_t count() const;
  int32_t count_common(const IndexRanges& other) const;
  // The first `most` indexes below `completions` that are not in the set.
  std::vector<int32_t> first_missing(int32_t most, int32_t completions) const;
  std::string text() const;
  bool empty() const { return ranges_.empty(); }
  bool operator==(const IndexRanges&) const = default;

 private:
  void normalize();

  std::vector<Range> ranges_;  // in order, with gaps between them
};

}  // namespace tiphys::controllers
