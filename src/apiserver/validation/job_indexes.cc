#include "apiserver/validation/job_indexes.h"

#include <optional>
#include <vector>

#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

struct Interval {
  int64_t first = 0;
  int64_t last = 0;
};

Result<int64_t> parse_index(std::string_view text, int64_t completions) {
  std::optional<int64_t> index = parse_int(text);
  if (!index) {
    return ApiStatus::bad_request("cannot convert string to integer for index: " + go_quote(text));
  }
  if (*index >= completions) {
    return ApiStatus::bad_request("too large index: " + go_quote(text));
  }
  return *index;
}

ApiStatus not_increasing(int64_t previous, int64_t current) {
  return ApiStatus::bad_request("non-increasing order, previous: " + std::to_string(previous) +
                                ", current: " + std::to_string(current));
}

Result<Interval> parse_interval(std::string_view text, int64_t completions) {
  std::vector<std::string_view> parts = split(text, '-');
  if (parts.size() > 2) {
    return ApiStatus::bad_request("the fragment " + go_quote(text) +
                                  " violates the requirement that an index interval can have at "
                                  "most two parts separated by '-'");
  }
  Result<int64_t> first = parse_index(parts[0], completions);
  if (!first) return first.error();
  if (parts.size() == 1) return Interval{*first, *first};
  Result<int64_t> last = parse_index(parts[1], completions);
  if (!last) return last.error();
  if (*first >= *last) return not_increasing(*first, *last);
  return Interval{*first, *last};
}

std::vector<Interval> valid_intervals(std::string_view text, int64_t completions) {
  std::vector<Interval> intervals;
  if (text.empty()) return intervals;
  for (std::string_view part : split(text, ',')) {
    Result<Interval> interval = parse_interval(part, completions);
    if (interval) intervals.push_back(*interval);
  }
  return intervals;
}

}  // namespace

Result<int64_t> count_job_indexes(std::string_view text, int64_t completions) {
  int64_t total = 0;
  if (text.empty()) return total;
  std::optional<int64_t> previous;
  for (std::string_view part : split(text, ',')) {
    Result<Interval> interval = parse_interval(part, completions);
    if (!interval) return interval.error();
    if (previous && *previous >= interval->first) return not_increasing(*previous, interval->first);
    total += interval->last - interval->first + 1;
    previous = interval->last;
  }
  return total;
}

Result<void> job_indexes_apart(std::string_view completed, std::string_view failed,
                               int64_t completions) {
  std::vector<Interval> a = valid_intervals(completed, completions);
  std::vector<Interval> b = valid_intervals(failed, completions);
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].first <= b[j].last && b[j].first <= a[i].last) {
      int64_t index = std::max(a[i].first, b[j].first);
      return ApiStatus::bad_request("failedIndexes and completedIndexes overlap at index: " +
                                    std::to_string(index));
    }
    a[i].first <= b[j].first ? ++i : ++j;
  }
  return {};
}

}  // namespace tiphys::apiserver
