#include <algorithm>

#include "base/strings.h"
#include "object/selector.h"

namespace tiphys {

using Operator = LabelSelector::Operator;

namespace {

ApiStatus invalid(std::string_view field, std::string_view value, std::string_view why) {
  return ApiStatus::bad_request(std::string(field) + ": Invalid value: " + std::string(value) +
                                ": " + std::string(why));
}

std::string go_slice(const std::vector<std::string>& values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += (i > 0 ? "," : "") + go_quote(values[i]);
  return out + "]";
}

Result<void> check_count(const LabelSelector::Requirement& r) {
  size_t count = r.values.size();
  switch (r.op) {
    case Operator::kIn:
    case Operator::kNotIn:
      if (count > 0) return {};
      return invalid("values", "[]", "for 'in', 'notin' operators, values set can't be empty");
    case Operator::kEquals:
    case Operator::kNotEquals:
      if (count == 1) return {};
      return invalid("values", go_slice(r.values),
                     "exact-match compatibility requires one single value");
    case Operator::kExists:
    case Operator::kDoesNotExist:
      if (count == 0) return {};
      return invalid("values", go_slice(r.values),
                     "values set must be empty for exists and does not exist");
    default:
      break;
  }
  if (count != 1) {
    return invalid("values", go_slice(r.values),
                   "for 'Gt', 'Lt' operators, exactly one value is required");
  }
  if (!parse_int(r.values[0])) {
    return invalid("values[0]", go_quote(r.values[0]),
                   "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  return {};
}

std::string requirement_text(const LabelSelector::Requirement& r) {
  std::string values = join(r.values, ",");
  switch (r.op) {
    case Operator::kExists:
      return r.key;
    case Operator::kDoesNotExist:
      return "!" + r.key;
    case Operator::kEquals:
      return r.key + "=" + values;
    case Operator::kNotEquals:
      return r.key + "!=" + values;
    case Operator::kGreaterThan:
      return r.key + ">" + values;
    case Operator::kLessThan:
      return r.key + "<" + values;
    case Operator::kIn:
      return r.key + " in (" + values + ")";
    case Operator::kNotIn:
      return r.key + " notin (" + values + ")";
  }
  return r.key;
}

}  // namespace

bool LabelSelector::Requirement::matches(const Node& labels) const {
  const Value& value = labels.find(key);
  std::string_view text = value.as_text();
  auto listed = [&] { return std::find(values.begin(), values.end(), text) != values.end(); };
  switch (op) {
    case Operator::kExists:
      return !value.is_null();
    case Operator::kDoesNotExist:
      return value.is_null();
    case Operator::kIn:
    case Operator::kEquals:
      return !value.is_null() && listed();
    case Operator::kNotIn:
    case Operator::kNotEquals:
      return value.is_null() || !listed();
    default:
      break;
  }
  std::optional<int64_t> number = parse_int(text);
  std::optional<int64_t> bound = parse_int(values[0]);
  if (value.is_null() || !number || !bound) return false;
  return op == Operator::kGreaterThan ? *number > *bound : *number < *bound;
}

LabelSelector LabelSelector::nothing() {
  LabelSelector selector;
  selector.nothing_ = true;
  return selector;
}

LabelSelector LabelSelector::from_map(const Node& labels) {
  LabelSelector selector;
  for (uint32_t i = 0; i < labels.size; i += 2) {
    selector.requirements_.push_back({std::string(labels.data[i].as_text()),
                                      Operator::kEquals,
                                      {std::string(labels.data[i + 1].as_text())}});
  }
  return selector;
}

Result<void> LabelSelector::add(Requirement requirement) {
  auto& values = requirement.values;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (auto problems = label_key_problems(requirement.key); !problems.empty()) {
    return invalid("key", go_quote(requirement.key), join(problems, "; "));
  }
  if (auto counted = check_count(requirement); !counted) return counted;
  for (size_t i = 0; i < values.size(); ++i) {
    if (auto problems = label_value_problems(values[i]); !problems.empty()) {
      return invalid("values[" + std::to_string(i) + "][" + requirement.key + "]",
                     go_quote(values[i]), join(problems, "; "));
    }
  }
  auto at = std::upper_bound(requirements_.begin(), requirements_.end(), requirement,
                             [](const auto& a, const auto& b) { return a.key < b.key; });
  requirements_.insert(at, std::move(requirement));
  return {};
}

bool LabelSelector::matches(const Node& labels) const {
  if (nothing_) return false;
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& r) { return r.matches(labels); });
}

std::string LabelSelector::text() const {
  std::string out;
  for (const Requirement& requirement : requirements_) {
    if (!out.empty()) out += ',';
    out += requirement_text(requirement);
  }
  return out;
}

}  // namespace tiphys
