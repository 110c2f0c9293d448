#include "apiserver/request/query.h"

#include "base/strings.h"

namespace tiphys::apiserver {

Query Query::parse(std::string_view raw) {
  Query query;
  while (!raw.empty()) {
    size_t end = raw.find('&');
    std::string_view part = raw.substr(0, end);
    raw = end == std::string_view::npos ? std::string_view() : raw.substr(end + 1);
    if (part.empty() || part.find(';') != std::string_view::npos) continue;
    size_t equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>(std::string())
                                                  : percent_decode(part.substr(equals + 1), true);
    if (name && value) query.entries_.push_back({std::move(*name), std::move(*value)});
  }
  return query;
}

std::string_view Query::get(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return entry.value;
  }
  return {};
}

bool Query::has(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return true;
  }
  return false;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Entry& entry : entries_) {
    if (entry.name == name) values.push_back(entry.value);
  }
  return values;
}

bool Query::flag(std::string_view name) const {
  if (!has(name)) return false;
  std::string_view value = get(name);
  return !(equals_ignore_case(value, "false") || value == "0");
}

Result<std::optional<int64_t>> Query::number(std::string_view name) const {
  if (!has(name) || get(name).empty()) return std::optional<int64_t>();
  auto value = parse_int(get(name));
  if (value) return std::optional<int64_t>(*value);
  return ApiStatus::bad_request("strconv.ParseInt: parsing " + go_quote(get(name)) +
                                ": invalid syntax");
}

}  // namespace tiphys::apiserver
