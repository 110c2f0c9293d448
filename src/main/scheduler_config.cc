#include "main/scheduler_config.h"

#include "os/files.h"
#include "scheduler/http_extender.h"

namespace tiphys {

Result<scheduler::Configuration> load_scheduler_config(const std::string& path) {
  TIPHYS_TRY(std::string, text, os::read_file(path));
  return scheduler::Configuration::parse(text);
}

Result<scheduler::Scheduler::Options> scheduler_options(EpollLoop& loop,
                                                        const scheduler::Configuration& config) {
  if (Result<void> valid = config.validate(); !valid) return valid.error();
  TIPHYS_TRY(std::vector<scheduler::Profile>, profiles, config.profiles());
  TIPHYS_TRY(std::vector<scheduler::Extender>, extenders,
             scheduler::http_extenders(loop, config.extenders()));
  scheduler::Scheduler::Options options;
  options.extenders = std::move(extenders);
  options.profiles = std::move(profiles);
  options.queue.first_back_off = std::chrono::seconds(config.view().pod_initial_backoff_seconds());
  options.queue.last_back_off = std::chrono::seconds(config.view().pod_max_backoff_seconds());
  return options;
}

}  // namespace tiphys
