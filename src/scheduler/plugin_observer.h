// PluginObserver: is told what plugins did in a decision: how often each was asked and, in cycles
// that are timed, how long that took. Named as upstream's plugin metrics name it.
#pragma once
#include <string_view>

#include "base/time.h"

namespace tiphys::scheduler {

class PluginObserver {
 public:
  virtual ~PluginObserver() = default;
  // Whether calls of this decision are timed (upstream: one in ten).
  virtual bool timed() const = 0;
  virtual MonoTime now() const = 0;
  // Texts are static.
  virtual void took(std::string_view plugin, std::string_view point, std::string_view status,
                    Duration time) = 0;
  virtual void asked(std::string_view plugin, std::string_view point, int64_t times) = 0;
};

}  // namespace tiphys::scheduler
