// FixedFlags: flags of upstream's components that choose among what is here only one way. They may
// be given so; any other value is refused by name, as nothing would follow from it. Pure.
#pragma once
#include <map>
#include <string>

#include "base/result.h"
#include "main/flags.h"

namespace tiphys {

class FixedFlags {
 public:
  // Adds those of logs, serving and metrics (k8s.io/component-base, apiserver's options). It
  // outlives the set.
  void add_to(FlagSet& flags);
  // Error: '--logging-format=json: only "text" is supported'.
  Result<void> check() const;

 private:
  std::map<std::string, std::string> texts_;
  std::map<std::string, bool> switches_;
};

}  // namespace tiphys
