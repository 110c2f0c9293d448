// Case files: YAML texts of this folder (their language: README.md) as steps to run. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tiphys::cases {

struct CaseStep {
  std::string json;    // the step as a JSON map; ${variables} still in it
  std::string label;   // for reports: "step 2", "creates 3"
  bool alone = false;  // a variant: what follows does not build on it
};

struct Case {
  std::string name;
  // Why it fails today; it must then fail, so that the mark goes when the reason does.
  std::string pending;
  bool json_only = false;     // about the text of JSON or YAML itself: not run in protobuf
  bool virtual_only = false;  // waits long, or does what only virtual time can
  bool hollow_only = false;   // needs several nodes, or does what no real node can
  std::vector<CaseStep> steps;
};

// A file's cases; `base`, `creates` and `updates` are written out as steps. Errors name the case
// and what is wrong with it (unknown keys too: a misspelt expectation must not pass).
Result<std::vector<Case>> parse_cases(std::string_view yaml);

}  // namespace tiphys::cases
