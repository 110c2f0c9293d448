// SchedulerConfig: a scheduler's configuration file as `tiphys kube-scheduler --config` and
// `tiphys server --scheduler-config` take it. Reads files; used once, at start.
#pragma once
#include <string>

#include "async/epoll_loop.h"
#include "scheduler/configuration.h"
#include "scheduler/scheduler.h"

namespace tiphys {

// Errors: a file that can't be read or parsed.
Result<scheduler::Configuration> load_scheduler_config(const std::string& path);
// What the scheduler makes of it. Errors: it is not valid, or asks for what is not here.
Result<scheduler::Scheduler::Options> scheduler_options(EpollLoop& loop,
                                                        const scheduler::Configuration& config);

}  // namespace tiphys
