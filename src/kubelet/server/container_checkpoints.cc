#include "kubelet/server/container_checkpoints.h"

#include "base/strings.h"
#include "kubelet/server/listed_pod.h"
#include "kubelet/server/responses.h"
#include "os/files.h"

namespace tiphys::kubelet {
namespace {

// The last of several counts. Nothing: it is no number.
std::optional<int64_t> asked_timeout(std::string_view query) {
  std::optional<int64_t> out = 0;
  for (std::string_view pair : split(query, '&')) {
    if (auto value = cut_prefix(pair, "timeout=")) out = parse_int(*value);
  }
  return out;
}

}  // namespace

Task<net::Response> ContainerCheckpoints::answer(std::string query, std::string ns, std::string pod,
                                                 std::string container) {
  const PodWorker* worker = pods_.find(ns, pod);
  if (!worker) co_return text_response(404, "pod does not exist");
  if (!find_place(core_v1::Pod(*worker->pod()).spec(), container)) {
    co_return text_response(404, "container " + container + " does not exist");
  }
  std::optional<int64_t> timeout = asked_timeout(query);
  if (!timeout) co_return text_response(404, "cannot parse value of timeout parameter");
  std::string failed = "checkpointing of " + ns + "/" + pod + "/" + container + " failed (";
  Result<PodRuntime> listed = co_await listed_pod(runtime_, worker->pod());
  if (!listed) co_return text_response(500, failed + runtime_error_text(listed.error()) + ")");
  const ContainerRecord* record = listed->newest(container);
  if (!record || record->state != ContainerState::kRunning) {
    co_return text_response(500, failed + "container " + container + " not found)");
  }
  std::string id = record->id;
  std::string folder = options_.root_dir + "/checkpoints";
  std::string place = folder + "/checkpoint-" + pod + "_" + ns + "-" + container + "-" +
                      format_rfc3339(loop_.wall()) + ".tar";
  Result<void> made =
      co_await run_blocking(loop_, pool_, [folder] { return os::make_dirs(folder, 0700); });
  if (made) made = co_await runtime_.checkpoint_container(id, place, *timeout);
  if (!made) co_return text_response(500, failed + runtime_error_text(made.error()) + ")");
  co_return json_response("{\"items\":[\"" + place + "\"]}");
}

}  // namespace tiphys::kubelet
