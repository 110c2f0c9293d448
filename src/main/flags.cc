#include "main/flags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace tiphys {
namespace {

ApiStatus invalid_argument(std::string_view shown, std::string_view value, std::string_view why) {
  return ApiStatus::bad_request("invalid argument " + go_quote(value) + " for \"" +
                                std::string(shown) + "\" flag: " + std::string(why));
}

std::optional<bool> parse_bool(std::string_view text) {
  for (std::string_view yes : {"true", "True", "TRUE", "t", "T", "1"}) {
    if (text == yes) return true;
  }
  for (std::string_view no : {"false", "False", "FALSE", "f", "F", "0"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

ApiStatus syntax(std::string_view function, std::string_view text) {
  return ApiStatus::bad_request(std::string(function) + ": parsing " + go_quote(text) +
                                ": invalid syntax");
}

}  // namespace

FlagSet::Flag& FlagSet::insert(std::string_view name, std::string_view type, std::string_view usage,
                               std::string default_text) {
  auto flag = std::make_unique<Flag>();
  flag->name = name;
  flag->type = type;
  flag->usage = usage;
  flag->default_text = std::move(default_text);
  flags_.push_back(std::move(flag));
  return *flags_.back();
}

void FlagSet::add(std::string_view name, std::string& value, std::string_view usage) {
  insert(name, "string", usage, value.empty() ? "" : go_quote(value)).assign =
      [&value](std::string_view text) -> Result<void> {
    value = text;
    return {};
  };
}

void FlagSet::add(std::string_view name, bool& value, std::string_view usage) {
  Flag& flag = insert(name, "", usage, value ? "true" : "");
  flag.is_bool = true;
  flag.assign = [&value](std::string_view text) -> Result<void> {
    std::optional<bool> parsed = parse_bool(text);
    if (!parsed) return syntax("strconv.ParseBool", text);
    value = *parsed;
    return {};
  };
}

void FlagSet::add(std::string_view name, int64_t& value, std::string_view usage) {
  insert(name, "int", usage, value == 0 ? "" : std::to_string(value)).assign =
      [&value](std::string_view text) -> Result<void> {
    std::optional<int64_t> parsed = parse_int(text);
    if (!parsed) return syntax("strconv.ParseInt", text);
    value = *parsed;
    return {};
  };
}

void FlagSet::add(std::string_view name, double& value, std::string_view usage) {
  std::array<char, 32> text;
  char* end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  insert(name, "float", usage, value == 0 ? "" : std::string(text.data(), end)).assign =
      [&value](std::string_view given) -> Result<void> {
    double parsed = 0;
    auto [rest, error] = std::from_chars(given.data(), given.data() + given.size(), parsed);
    bool whole = error == std::errc() && rest == given.data() + given.size();
    if (!whole || !std::isfinite(parsed)) return syntax("strconv.ParseFloat", given);
    value = parsed;
    return {};
  };
}

void FlagSet::add(std::string_view name, Duration& value, std::string_view usage) {
  insert(name, "duration", usage, format_go_duration(value)).assign =
      [&value](std::string_view text) -> Result<void> {
    TIPHYS_TRY(Duration, parsed, parse_go_duration(text));
    value = parsed;
    return {};
  };
}

void FlagSet::add(std::string_view name, std::vector<std::string>& value, std::string_view usage) {
  Flag& flag = insert(name, "strings", usage, value.empty() ? "" : "[" + join(value, ",") + "]");
  flag.assign = [&value, &flag](std::string_view text) -> Result<void> {
    if (!flag.set) value.clear();
    if (text.empty()) return {};
    for (std::string_view part : split(text, ',')) value.emplace_back(trim(part));
    return {};
  };
}

void FlagSet::add_short(char letter, std::string_view name) { find(name)->letter = letter; }

FlagSet::Flag* FlagSet::find(std::string_view name) {
  for (auto& flag : flags_) {
    if (flag->name == name) return flag.get();
  }
  return nullptr;
}

bool FlagSet::was_set(std::string_view name) const {
  return std::any_of(flags_.begin(), flags_.end(),
                     [name](const auto& flag) { return flag->name == name && flag->set; });
}

Result<void> FlagSet::assign(Flag& flag, std::string_view shown, std::string_view value) {
  Result<void> assigned = flag.assign(value);
  if (!assigned) return invalid_argument(shown, value, assigned.error().message());
  flag.set = true;
  return {};
}

Result<bool> FlagSet::parse_one(const std::vector<std::string>& arguments, size_t& position) {
  std::string_view text = arguments[position++];
  if (text == "--") return false;
  if (text.size() < 2 || text[0] != '-') {
    positional_.emplace_back(text);
    return true;
  }
  bool is_long = text.starts_with("--");
  std::string_view body = text.substr(is_long ? 2 : 1);
  size_t equals = body.find('=');
  std::string_view name = body.substr(0, equals);
  std::string shown = (is_long ? "--" : "-") + std::string(name);
  if (name == "help" || (!is_long && name == "h")) {
    help_ = true;
    return true;
  }
  Flag* flag = nullptr;
  if (is_long) {
    flag = find(name);
  } else {
    for (auto& candidate : flags_) {
      if (candidate->letter != 0 && candidate->letter == name[0]) flag = candidate.get();
    }
    if (flag != nullptr && name.size() > 1) {  // -v2
      TIPHYS_TRY(std::monostate, done, ([&]() -> Result<std::monostate> {
                   Result<void> assigned = assign(*flag, shown.substr(0, 2), name.substr(1));
                   if (!assigned) return assigned.error();
                   return std::monostate{};
                 })());
      (void)done;
      return true;
    }
  }
  if (flag == nullptr) return ApiStatus::bad_request("unknown flag: " + shown);
  std::string value = "true";
  if (equals != std::string_view::npos) {
    value = body.substr(equals + 1);
  } else if (!flag->is_bool) {
    if (position >= arguments.size()) {
      return ApiStatus::bad_request("flag needs an argument: " + shown);
    }
    value = arguments[position++];
  }
  Result<void> assigned = assign(*flag, shown, value);
  if (!assigned) return assigned.error();
  return true;
}

Result<void> FlagSet::parse(const std::vector<std::string>& arguments) {
  size_t position = 0;
  while (position < arguments.size()) {
    Result<bool> more = parse_one(arguments, position);
    if (!more) return more.error();
    if (!*more) break;
  }
  positional_.insert(positional_.end(), arguments.begin() + static_cast<ptrdiff_t>(position),
                     arguments.end());
  return {};
}

std::string FlagSet::usage() const {
  std::vector<const Flag*> sorted;
  for (const auto& flag : flags_) sorted.push_back(flag.get());
  std::sort(sorted.begin(), sorted.end(),
            [](const Flag* a, const Flag* b) { return a->name < b->name; });
  std::string out;
  for (const Flag* flag : sorted) {
    std::string head = flag->letter != 0 ? std::string("  -") + flag->letter + ", --" : "      --";
    head += flag->name;
    if (!flag->type.empty()) head += " " + flag->type;
    head.resize(std::max<size_t>(head.size() + 2, 46), ' ');
    out += head + flag->usage;
    if (!flag->default_text.empty()) out += " (default " + flag->default_text + ")";
    out += "\n";
  }
  return out;
}

}  // namespace tiphys
