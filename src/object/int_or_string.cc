#include "object/int_or_string.h"

#include "base/strings.h"

namespace tiphys {

Result<int32_t> scaled_value(const Value& value, int32_t total, bool round_up) {
  if (value.type != ValueType::kString) return static_cast<int32_t>(value.as_int());
  std::string_view text = value.as_text();
  auto bad = [&](std::string_view why) {
    return ApiStatus::bad_request("invalid value for IntOrString: " + std::string(why));
  };
  if (!text.ends_with('%')) return bad("invalid type: string is not a percentage");
  std::optional<int64_t> percent = parse_int(text.substr(0, text.size() - 1));
  if (!percent || *percent != static_cast<int32_t>(*percent)) {
    return bad("invalid value " + go_quote(text) + ": strconv.Atoi: parsing " +
               go_quote(text.substr(0, text.size() - 1)) + ": invalid syntax");
  }
  int64_t product = *percent * total;
  int64_t scaled = product / 100;
  if (round_up && product > 0 && product % 100 != 0) ++scaled;
  if (!round_up && product < 0 && product % 100 != 0) --scaled;
  return static_cast<int32_t>(scaled);
}

int32_t int_value(const Value& value) {
  if (value.type != ValueType::kString) return static_cast<int32_t>(value.as_int());
  return static_cast<int32_t>(parse_int(value.as_text()).value_or(0));
}

std::string int_or_string_text(const Value& value) {
  if (value.type == ValueType::kString) return std::string(value.as_text());
  return std::to_string(value.as_int());
}

}  // namespace tiphys
