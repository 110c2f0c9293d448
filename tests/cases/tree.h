// Untyped JSON trees of the cases: text in and out, places in them, comparison. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "object/value.h"

namespace tiphys::cases {

std::string text_of(const Value& value);  // compact JSON
// A scalar as text, as ${name} puts it in: strings without quotes, everything else as JSON.
std::string plain_text(const Value& value);

// A place: `spec.containers[0].image`, `metadata.labels["a.b/c"]`; "" is the root.
struct PathStep {
  std::string name;  // of a member; or
  int index = -1;    // of a list's item
};
Result<std::vector<PathStep>> parse_path(std::string_view path);
// What is at a place; null where nothing is. Error: no path.
Result<Value> value_at(const Value& root, std::string_view path);
// Puts a value at a place (maps on the way are made; index == size appends). A null value removes
// the member or item. Error: no path, or a list's item that is not there.
Result<void> put_at(Arena& arena, Value& root, std::string_view path, Value value);

// Makes the changes of a step or variant: `set: {place: value}`, then `unset: [place]`.
Result<void> change(Arena& arena, Value& object, const Node& step);

// Replaces ${name} in JSON text by variables, escaped for a JSON string. Error: no such variable.
Result<std::string> substitute(std::string_view json,
                               const std::map<std::string, std::string>& variables);

// Where `actual` differs from what is expected, one line a place ("" if nowhere):
// - a map: every expected member; null expects none;
// - a list: as many items, each in its place;
// - "<set>": any value; "~expression": text that the regular expression is found in;
// - else the same value. With `exactly` maps have no further members, and no text is special.
std::string difference(const Value& expected, const Value& actual, bool exactly = false);

}  // namespace tiphys::cases
