#include "tests/cases/tree.h"

#include <re2/re2.h>

#include "base/strings.h"
#include "codec/codec.h"

namespace tiphys::cases {
namespace {

constexpr size_t kShownBytes = 300;

ApiStatus no_path(std::string_view path) {
  return ApiStatus::bad_request("not a path: " + std::string(path));
}

// One step off the front of `rest`; false: none is there.
bool take_step(std::string_view& rest, PathStep* step) {
  if (rest.starts_with("[\"")) {
    size_t end = rest.find("\"]");
    if (end == std::string_view::npos) return false;
    step->name = std::string(rest.substr(2, end - 2));
    rest.remove_prefix(end + 2);
  } else if (rest.starts_with("[")) {
    size_t end = rest.find(']');
    std::optional<int64_t> index =
        end == std::string_view::npos ? std::nullopt : parse_int(rest.substr(1, end - 1));
    if (!index || *index < 0) return false;
    step->index = static_cast<int>(*index);
    rest.remove_prefix(end + 1);
  } else {
    size_t end = std::min(rest.find_first_of(".["), rest.size());
    step->name = std::string(rest.substr(0, end));
    rest.remove_prefix(end);
    if (step->name.empty()) return false;
  }
  if (rest.starts_with(".")) rest.remove_prefix(1);
  return true;
}

const Value& child(const Value& value, const PathStep& step) {
  if (step.index < 0)
    return value.type == ValueType::kMap ? value.node->find(step.name) : kNullValue;
  auto index = static_cast<uint32_t>(step.index);
  bool there = value.type == ValueType::kList && index < value.node->size;
  return there ? value.node->data[index] : kNullValue;
}

Result<void> put(Arena& arena, Value& at, std::span<const PathStep> steps, Value value) {
  const PathStep& step = steps.front();
  ValueType type = step.index < 0 ? ValueType::kMap : ValueType::kList;
  if (at.type != type) at = arena.make(type);
  Value below = child(at, step);
  if (steps.size() > 1) {
    Result<void> done = put(arena, below, steps.subspan(1), value);
    if (!done) return done;
  } else {
    below = value;
  }
  if (step.index < 0) {
    set_entry(arena, *at.node, step.name, below);
    return {};
  }
  auto index = static_cast<uint32_t>(step.index);
  if (index > at.node->size) return ApiStatus::bad_request("no item " + std::to_string(index));
  if (index == at.node->size) {
    append(arena, *at.node, below);
  } else if (below.is_null()) {
    erase_item(*at.node, index);
  } else {
    at.node->data[index] = below;
  }
  return {};
}

std::string shown(const Value& value) {
  std::string text = value.is_null() ? "nothing" : text_of(value);
  return text.size() <= kShownBytes ? text : text.substr(0, kShownBytes) + "...";
}

class Comparison {
 public:
  explicit Comparison(bool exactly) : exactly_(exactly) {}

  void compare(const std::string& place, const Value& expected, const Value& actual) {
    if (!exactly_ && expected.type == ValueType::kString && special(expected, actual)) return;
    if (expected.type == ValueType::kMap && actual.type == ValueType::kMap) {
      compare_maps(place, *expected.node, *actual.node);
    } else if (expected.type == ValueType::kList && actual.type == ValueType::kList &&
               expected.node->size == actual.node->size) {
      for (uint32_t i = 0; i < expected.node->size; ++i) {
        compare(place + "[" + std::to_string(i) + "]", expected.node->data[i],
                actual.node->data[i]);
      }
    } else if (!same(expected, actual)) {
      found_ += "    " + place + ": expected " + shown(expected) + ", got " + shown(actual) + "\n";
    }
  }
  std::string found() && { return std::move(found_); }

 private:
  void compare_maps(const std::string& place, const Node& expected, const Node& actual) {
    for (uint32_t i = 0; i + 1 < expected.size; i += 2) {
      std::string_view name = expected.data[i].as_text();
      compare(place + "." + std::string(name), expected.data[i + 1], actual.find(name));
    }
    if (!exactly_) return;
    for (uint32_t i = 0; i + 1 < actual.size; i += 2) {
      std::string_view name = actual.data[i].as_text();
      if (!expected.find(name).is_null() || actual.data[i + 1].is_null()) continue;
      found_ += "    " + place + "." + std::string(name) + ": unexpected " +
                shown(actual.data[i + 1]) + "\n";
    }
  }
  static bool special(const Value& expected, const Value& actual) {
    std::string_view text = expected.as_text();
    if (text == "<set>") return !actual.is_null();
    if (!text.starts_with("~") || actual.is_null()) return false;
    return re2::RE2::PartialMatch(plain_text(actual), std::string(text.substr(1)));
  }
  static bool same(const Value& expected, const Value& actual) {
    if (expected.type == ValueType::kDouble || actual.type == ValueType::kDouble) {
      bool numbers = expected.type <= ValueType::kDouble && actual.type <= ValueType::kDouble &&
                     expected.type >= ValueType::kInt && actual.type >= ValueType::kInt;
      return numbers && expected.as_double() == actual.as_double();
    }
    return equal(expected, actual);
  }

  bool exactly_;
  std::string found_;
};

}  // namespace

std::string text_of(const Value& value) {
  std::string out;
  codec::encode_json_any(value, out);
  return out;
}

std::string plain_text(const Value& value) {
  return value.type == ValueType::kString ? std::string(value.as_text()) : text_of(value);
}

Result<std::vector<PathStep>> parse_path(std::string_view path) {
  std::vector<PathStep> steps;
  std::string_view rest = path;
  while (!rest.empty()) {
    PathStep step;
    if (!take_step(rest, &step)) return no_path(path);
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<Value> value_at(const Value& root, std::string_view path) {
  TIPHYS_TRY(std::vector<PathStep>, steps, parse_path(path));
  const Value* at = &root;
  for (const PathStep& step : steps) at = &child(*at, step);
  return *at;
}

Result<void> put_at(Arena& arena, Value& root, std::string_view path, Value value) {
  TIPHYS_TRY(std::vector<PathStep>, steps, parse_path(path));
  if (steps.empty()) return no_path(path);
  return put(arena, root, steps, value);
}

Result<void> change(Arena& arena, Value& object, const Node& step) {
  const Node& set = step.find("set").as_node();
  for (uint32_t i = 0; i + 1 < set.size; i += 2) {
    Result<void> done = put_at(arena, object, set.data[i].as_text(), set.data[i + 1]);
    if (!done) return done;
  }
  for (const Value& place : step.find("unset").as_node().items()) {
    Result<void> done = put_at(arena, object, place.as_text(), Value());
    if (!done) return done;
  }
  return {};
}

Result<std::string> substitute(std::string_view json,
                               const std::map<std::string, std::string>& variables) {
  std::string out;
  for (size_t mark = json.find("${"); mark != std::string_view::npos; mark = json.find("${")) {
    size_t end = json.find('}', mark);
    std::string name(json.substr(mark + 2, end == std::string_view::npos ? 0 : end - mark - 2));
    auto found = variables.find(name);
    if (found == variables.end()) return ApiStatus::bad_request("no variable ${" + name + "}");
    std::string quoted;
    codec::append_json_string(found->second, quoted);
    out += std::string(json.substr(0, mark)) + quoted.substr(1, quoted.size() - 2);
    json.remove_prefix(end + 1);
  }
  return out + std::string(json);
}

std::string difference(const Value& expected, const Value& actual, bool exactly) {
  Comparison comparison(exactly);
  comparison.compare("$", expected, actual);
  return std::move(comparison).found();
}

}  // namespace tiphys::cases
