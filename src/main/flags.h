// FlagSet: command lines as Kubernetes' components read them (spf13/pflag): `--name=value`,
// `--name value`, `--bool`, `--bool=false`, `-v 2`, `--` ends flags; lists are comma-separated and
// repeatable. Not thread-safe; used once, at start.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace tiphys {

class FlagSet {
 public:
  // The variable holds the default when added, and the parsed value after parse(). It must outlive
  // the set. `usage` is one line for --help.
  void add(std::string_view name, std::string& value, std::string_view usage);
  void add(std::string_view name, bool& value, std::string_view usage);
  void add(std::string_view name, int64_t& value, std::string_view usage);
  void add(std::string_view name, double& value, std::string_view usage);
  void add(std::string_view name, Duration& value, std::string_view usage);
  // A list flag given at all replaces the default; given again it appends.
  void add(std::string_view name, std::vector<std::string>& value, std::string_view usage);
  // Gives the flag a one-letter form too ("v").
  void add_short(char letter, std::string_view name);

  // Errors, worded as pflag: "unknown flag: --x", "flag needs an argument: --x",
  // `invalid argument "y" for "--x" flag: ...`. Positional arguments are collected.
  Result<void> parse(const std::vector<std::string>& arguments);
  const std::vector<std::string>& positional() const { return positional_; }
  bool help_requested() const { return help_; }
  bool was_set(std::string_view name) const;
  // One "  --name type   usage (default x)" line a flag, sorted by name.
  std::string usage() const;

 private:
  struct Flag {
    std::string name;
    char letter = 0;
    std::string type;  // "" for a bool
    std::string usage;
    std::string default_text;
    bool is_bool = false;
    bool set = false;
    std::function<Result<void>(std::string_view)> assign;
  };
  Flag& insert(std::string_view name, std::string_view type, std::string_view usage,
               std::string default_text);
  Flag* find(std::string_view name);
  Result<bool> parse_one(const std::vector<std::string>& arguments, size_t& position);
  Result<void> assign(Flag& flag, std::string_view shown, std::string_view value);

  std::vector<std::unique_ptr<Flag>> flags_;
  std::vector<std::string> positional_;
  bool help_ = false;
};

}  // namespace tiphys
