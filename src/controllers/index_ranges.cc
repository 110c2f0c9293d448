#include "controllers/index_ranges.h"

#include <algorithm>

#include "base/strings.h"

namespace tiphys::controllers {

IndexRanges IndexRanges::parse(std::string_view text, int32_t completions) {
  IndexRanges result;
  for (std::string_view part : split(text, ',')) {
    size_t dash = part.find('-');
    std::optional<int64_t> first = parse_int(part.substr(0, dash));
    std::optional<int64_t> last =
        dash == std::string_view::npos ? first : parse_int(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *first >= completions || *last < *first) continue;
    int64_t end = std::min<int64_t>(*last, completions - 1);
    result.ranges_.push_back({static_cast<int32_t>(*first), static_cast<int32_t>(end)});
  }
  result.normalize();
  return result;
}

// Puts ranges in order and joins those that touch.
void IndexRanges::normalize() {
  std::ranges::sort(ranges_, {}, &Range::first);
  size_t kept = 0;
  for (const Range& range : ranges_) {
    bool joins = kept > 0 && range.first <= ranges_[kept - 1].last + 1;
    if (joins) {
      ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, range.last);
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
}

void IndexRanges::add(const std::vector<int32_t>& indexes) {
  for (int32_t index : indexes) ranges_.push_back({index, index});
  normalize();
}

void IndexRanges::add(const IndexRanges& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  normalize();
}

bool IndexRanges::has(int32_t index) const {
  auto found = std::ranges::lower_bound(ranges_, index, {}, &Range::last);
  return found != ranges_.end() && found->first <= index;
}

int32_t IndexRanges::count() const {
  int32_t count = 0;
  for (const Range& range : ranges_) count += range.last - range.first + 1;
  return count;
}

int32_t IndexRanges::count_common(const IndexRanges& other) const {
  int32_t count = 0;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    int32_t common = std::min(a->last, b->last) - std::max(a->first, b->first) + 1;
    if (common > 0) count += common;
    a->last < b->last ? ++a : ++b;
  }
  return count;
}

std::vector<int32_t> IndexRanges::first_missing(int32_t most, int32_t completions) const {
  std::vector<int32_t> result;
  int32_t candidate = 0;
  auto take_until = [&](int32_t end) {
    while (candidate < std::min(end, completions) && std::ssize(result) < most) {
      result.push_back(candidate++);
    }
  };
  for (const Range& range : ranges_) {
    take_until(range.first);
    candidate = range.last + 1;
  }
  take_until(completions);
  return result;
}

std::string IndexRanges::text() const {
  std::string text;
  for (const Range& range : ranges_) {
    if (!text.empty()) text += ',';
    text += std::to_string(range.first);
    if (range.last == range.first) continue;
    text += range.last == range.first + 1 ? ',' : '-';
    text += std::to_string(range.last);
  }
  return text;
}

}  // namespace tiphys::controllers
