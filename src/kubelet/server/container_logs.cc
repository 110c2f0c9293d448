#include "kubelet/server/container_logs.h"

#include "kubelet/server/find_log.h"
#include "kubelet/server/log_stream.h"
#include "kubelet/server/responses.h"

namespace tiphys::kubelet {

bool ContainerLogs::is_running(const std::string& ns, const std::string& pod,
                               const std::string& id) const {
  const PodWorker* worker = pods_.find(ns, pod);
  if (!worker) return false;
  if (!worker->has_looked()) return true;  // found by asking; the worker's word comes soon
  for (const ContainerRecord& c : worker->runtime_state().containers) {
    if (c.id == id) return c.state == ContainerState::kRunning;
  }
  return false;
}

Task<net::Response> ContainerLogs::answer(std::string query, std::string ns, std::string pod,
                                          std::string container) {
  Result<LogOptions> options = parse_log_options(query, loop_.wall());
  if (!options) co_return text_response(options.error().code(), options.error().message());
  const PodWorker* worker = pods_.find(ns, pod);
  if (!worker) co_return text_response(404, "pod \"" + pod + "\" does not exist");
  std::optional<PodRuntime> seen;
  if (worker->has_looked()) seen = worker->runtime_state();
  Result<ContainerRecord> record =
      co_await find_log(runtime_, worker->pod(), std::move(seen), container, options->previous);
  if (!record) co_return text_response(record.error().code(), record.error().message());
  std::string path = record->log_path;
  std::string id = record->id;
  LogOptions wanted = *options;
  Result<LogReader> reader =
      co_await run_blocking(loop_, pool_, [path, wanted] { return LogReader::open(path, wanted); });
  if (!reader) co_return text_response(500, reader.error().message());
  net::Response out;
  out.headers.add("content-type", "text/plain");
  auto running = [this, ns, pod, id] { return is_running(ns, pod, id); };
  out.stream = std::make_unique<LogStream>(loop_, pool_, std::move(*reader), wanted.follow, running,
                                           path, wanted);
  co_return out;
}

}  // namespace tiphys::kubelet
