// LoggingFlags: -v, of every component.
#pragma once
#include "base/log.h"
#include "main/flags.h"

namespace tiphys {

struct LoggingFlags {
  int64_t verbosity = 0;
  void add_to(FlagSet& flags) {
    flags.add("v", verbosity, "Log verbosity");
    flags.add_short('v', "v");
  }
  void apply() const { set_log_verbosity(static_cast<int>(verbosity)); }
};

}  // namespace tiphys
