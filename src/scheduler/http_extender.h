// Extenders over HTTP and HTTPS: connections are kept and used again. Loop thread only.
#pragma once
#include <vector>

#include "async/epoll_loop.h"
#include "scheduler/extender_calls.h"

namespace tiphys::scheduler {

// An answer that is larger is an error. 3,000 whole nodes fit, and any number of names.
inline constexpr size_t kMaxExtenderAnswerBytes = 32 * 1024 * 1024;

// Reads certificates (it blocks: call it at the start). As upstream: https is spoken where
// urlPrefix says so; with enableHTTPS and no CA nothing is verified. Errors: "couldn't build
// extenders: ...", of a urlPrefix, file or certificate that can't be used.
Result<std::vector<Extender>> http_extenders(EpollLoop& loop, std::vector<ExtenderConfig> configs,
                                             size_t max_answer_bytes = kMaxExtenderAnswerBytes);

}  // namespace tiphys::scheduler
