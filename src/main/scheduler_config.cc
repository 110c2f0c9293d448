#include "main/scheduler_config.h"

#include "os/files.h"

namespace tiphys {

Result<scheduler::Configuration> load_scheduler_config(const std::string& path) {
  TIPHYS_TRY(std::string, text, os::read_file(path));
  return scheduler::Configuration::parse(text);
}

Result<scheduler::Scheduler::Options> scheduler_options(const scheduler::Configuration& config) {
  if (Result<void> valid = config.validate(); !valid) return valid.error();
  if (!config.extenders().empty()) {
    return ApiStatus::bad_request("couldn't build extenders: extenders are not supported yet");
  }
  TIPHYS_TRY(std::vector<scheduler::Profile>, profiles, config.profiles());
  scheduler::Scheduler::Options options;
  options.profiles = std::move(profiles);
  options.queue.first_back_off = std::chrono::seconds(config.view().pod_initial_backoff_seconds());
  options.queue.last_back_off = std::chrono::seconds(config.view().pod_max_backoff_seconds());
  return options;
}

}  // namespace tiphys
