#include "apiserver/validation/unified_diff.h"

#include <algorithm>
#include <map>
#include <vector>

namespace tiphys::apiserver {
namespace {

using Lines = std::vector<std::string_view>;

constexpr size_t kContext = 3;
constexpr size_t kLongText = 200;  // lines; from here on frequent lines are no anchors

// Lines without their ends; a text that ends in a newline has an empty one more.
Lines lines_of(std::string_view text) {
  Lines lines;
  while (true) {
    size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

// before[a, a + size) is after[b, b + size).
struct Match {
  size_t a = 0;
  size_t b = 0;
  size_t size = 0;
};

struct Edit {
  bool same = false;
  size_t a = 0;
  size_t a_end = 0;
  size_t b = 0;
  size_t b_end = 0;
};

class Matcher {
 public:
  Matcher(const Lines& before, const Lines& after) : before_(before), after_(after) {
    for (size_t i = 0; i < after.size(); ++i) places_[after[i]].push_back(i);
    if (after.size() < kLongText) return;
    size_t frequent = after.size() / 100 + 1;
    std::erase_if(places_, [&](const auto& entry) { return entry.second.size() > frequent; });
  }

  std::vector<Edit> edits() {
    find({0, before_.size(), 0, after_.size()});
    matches_.push_back({before_.size(), after_.size(), 0});
    std::vector<Edit> edits;
    size_t a = 0;
    size_t b = 0;
    for (const Match& match : matches_) {
      if (a < match.a || b < match.b) edits.push_back({false, a, match.a, b, match.b});
      a = match.a + match.size;
      b = match.b + match.size;
      if (match.size > 0) edits.push_back({true, match.a, a, match.b, b});
    }
    return edits;
  }

 private:
  struct Range {
    size_t a;
    size_t a_end;
    size_t b;
    size_t b_end;
  };

  // The longest match within the range; of equal ones the first.
  Match longest(const Range& range) const {
    Match best{range.a, range.b, 0};
    std::vector<size_t> lengths(after_.size() + 1);  // [j + 1]: of the match that ends at j
    std::vector<size_t> next(after_.size() + 1);
    for (size_t i = range.a; i < range.a_end; ++i) {
      std::fill(next.begin(), next.end(), 0);
      auto places = places_.find(before_[i]);
      if (places != places_.end()) {
        for (size_t j : places->second) {
          if (j < range.b || j >= range.b_end) continue;
          size_t size = lengths[j] + 1;
          next[j + 1] = size;
          if (size > best.size) best = {i + 1 - size, j + 1 - size, size};
        }
      }
      lengths.swap(next);
    }
    while (best.a > range.a && best.b > range.b && before_[best.a - 1] == after_[best.b - 1]) {
      best = {best.a - 1, best.b - 1, best.size + 1};
    }
    while (best.a + best.size < range.a_end && best.b + best.size < range.b_end &&
           before_[best.a + best.size] == after_[best.b + best.size]) {
      ++best.size;
    }
    return best;
  }

  // Fills matches_ in order; adjacent ones become one.
  void find(Range whole) {
    std::vector<Range> todo = {whole};
    std::vector<Match> found;
    while (!todo.empty()) {
      Range range = todo.back();
      todo.pop_back();
      Match match = longest(range);
      if (match.size == 0) continue;
      found.push_back(match);
      if (range.a < match.a && range.b < match.b) {
        todo.push_back({range.a, match.a, range.b, match.b});
      }
      size_t a = match.a + match.size;
      size_t b = match.b + match.size;
      if (a < range.a_end && b < range.b_end) todo.push_back({a, range.a_end, b, range.b_end});
    }
    std::ranges::sort(found, {}, &Match::a);
    for (const Match& match : found) {
      Match* last = matches_.empty() ? nullptr : &matches_.back();
      if (last && last->a + last->size == match.a && last->b + last->size == match.b) {
        last->size += match.size;
      } else {
        matches_.push_back(match);
      }
    }
  }

  const Lines& before_;
  const Lines& after_;
  std::map<std::string_view, std::vector<size_t>> places_;
  std::vector<Match> matches_;
};

// Edits with the context around them, those that are near each other together.
std::vector<std::vector<Edit>> hunks_of(std::vector<Edit> edits) {
  std::vector<std::vector<Edit>> hunks;
  std::vector<Edit> hunk;
  for (size_t i = 0; i < edits.size(); ++i) {
    Edit edit = edits[i];
    size_t size = edit.a_end - edit.a;
    bool first = i == 0;
    bool last = i + 1 == edits.size();
    if (edit.same && first && size > kContext) {
      edit.a = edit.a_end - kContext;
      edit.b = edit.b_end - kContext;
    } else if (edit.same && last && size > kContext) {
      edit.a_end = edit.a + kContext;
      edit.b_end = edit.b + kContext;
    } else if (edit.same && size > 2 * kContext) {
      hunk.push_back({true, edit.a, edit.a + kContext, edit.b, edit.b + kContext});
      hunks.push_back(std::move(hunk));
      hunk.clear();
      edit.a = edit.a_end - kContext;
      edit.b = edit.b_end - kContext;
    }
    hunk.push_back(edit);
  }
  if (hunk.size() > 1 || (hunk.size() == 1 && !hunk[0].same)) hunks.push_back(std::move(hunk));
  return hunks;
}

std::string range_text(size_t begin, size_t end) {
  size_t size = end - begin;
  if (size == 1) return std::to_string(begin + 1);
  return std::to_string(size == 0 ? begin : begin + 1) + "," + std::to_string(size);
}

void append_lines(char mark, const Lines& lines, size_t begin, size_t end, std::string& out) {
  for (size_t i = begin; i < end; ++i) out.append(1, mark).append(lines[i]).append("\n");
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after) {
  Lines a = lines_of(before);
  Lines b = lines_of(after);
  std::string out;
  for (const std::vector<Edit>& hunk : hunks_of(Matcher(a, b).edits())) {
    out += "@@ -" + range_text(hunk.front().a, hunk.back().a_end) + " +" +
           range_text(hunk.front().b, hunk.back().b_end) + " @@\n";
    for (const Edit& edit : hunk) {
      append_lines(edit.same ? ' ' : '-', a, edit.a, edit.a_end, out);
      if (!edit.same) append_lines('+', b, edit.b, edit.b_end, out);
    }
  }
  return out;
}

}  // namespace tiphys::apiserver
