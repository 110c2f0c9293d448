// Query: the parameters of a URL, decoded, in order. Reading of typed options follows Go's
// url.Values and apimachinery's queryparams conversion: unknown parameters are ignored.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tiphys::apiserver {

class Query {
 public:
  Query() = default;
  // Parameters that are no percent-encoding are dropped, as Go does.
  static Query parse(std::string_view raw);
  // The first value or "".
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  bool empty() const { return entries_.empty(); }
  // "1", "true", "" and anything but "0" and "false" (upstream's Convert_Slice_string_To_bool).
  bool flag(std::string_view name) const;
  // Error: BadRequest 'strconv.ParseInt: parsing "abc": invalid syntax'.
  Result<std::optional<int64_t>> number(std::string_view name) const;

 private:
  struct Entry {
    std::string name;
    std::string value;
  };
  std::vector<Entry> entries_;
};

}  // namespace tiphys::apiserver
