#include "kubelet/server/container_logs.h"

#include "kubelet/server/log_stream.h"
#include "kubelet/server/responses.h"

namespace tiphys::kubelet {
namespace {

// Which container's log is meant; or why there is none, in upstream's words.
Result<const ContainerRecord*> find_log(const PodWorker& worker, const std::string& container,
                                        bool previous) {
  core_v1::Pod pod(*worker.pod());
  std::string name(pod.metadata().name());
  core_v1::Container spec = find_container(pod.spec(), container);
  if (spec.name().empty()) {
    return ApiStatus(404, "NotFound",
                     "container \"" + container + "\" not found in pod \"" + name + "\"");
  }
  const PodRuntime& state = worker.runtime_state();
  const ContainerRecord* current = state.newest(container);
  const ContainerRecord* found = previous ? state.previous(container) : current;
  if (previous && !found) {
    return ApiStatus::bad_request("previous terminated container \"" + container + "\" in pod \"" +
                                  name + "\" not found");
  }
  if (found && found->state != ContainerState::kCreated) return found;
  std::string reason = "ContainerCreating";
  for (const auto& list :
       {pod.status().container_statuses(), pod.status().init_container_statuses()}) {
    for (core_v1::ContainerStatus status : list) {
      if (status.name() == container && status.state().has_waiting()) {
        reason = status.state().waiting().reason();
      }
    }
  }
  if (reason == "ErrImagePull") reason = "image can't be pulled";
  if (reason == "ImagePullBackOff") reason = "trying and failing to pull image";
  return ApiStatus::bad_request("container \"" + container + "\" in pod \"" + name +
                                "\" is waiting to start: " + reason);
}

}  // namespace

bool ContainerLogs::is_running(const std::string& ns, const std::string& pod,
                               const std::string& id) const {
  const PodWorker* worker = pods_.find(ns, pod);
  if (!worker) return false;
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
  Result<const ContainerRecord*> record = find_log(*worker, container, options->previous);
  if (!record) co_return text_response(record.error().code(), record.error().message());
  std::string path = (*record)->log_path;
  std::string id = (*record)->id;
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
