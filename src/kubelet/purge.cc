#include <signal.h>

#include <thread>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/kubelet.h"
#include "kubelet/network/pod_network.h"
#include "kubelet/network/route_keeper.h"
#include "kubelet/node/node_keeper.h"
#include "kubelet/runtime/cri.h"
#include "kubelet/volumes/volumes.h"
#include "os/cgroups.h"
#include "os/files.h"
#include "os/mounts.h"
#include "os/pidfd.h"

namespace tiphys::kubelet {
namespace {

constexpr int kEndMs = 10'000;
constexpr int kLookAgainMs = 20;
constexpr Duration kAnswerLimit = std::chrono::seconds(30);

// Keeps the first error and goes on.
class Outcome {
 public:
  void add(const Result<void>& one) {
    if (one) return;
    LOG_WARNING("Purge goes on after a failure", {"err", one.error()});
    if (result_) result_ = one.error();
  }
  Result<void> result() const { return result_; }

 private:
  Result<void> result_;
};

Task<Result<void>> remove_listed(Cri& cri, RuntimeList list) {
  Result<void> result;
  for (const ContainerRecord& c : list.containers) {
    Result<void> stopped = co_await cri.stop_container(c.id, 0);
    Result<void> removed = co_await cri.remove_container(c.id);
    if (result && stopped) result = removed;
  }
  for (const SandboxRecord& sandbox : list.sandboxes) {
    Result<void> stopped = co_await cri.stop_sandbox(sandbox.id);
    Result<void> removed = co_await cri.remove_sandbox(sandbox.id);
    if (result) result = stopped ? removed : stopped;
  }
  co_return result;
}

// Again and again: the runtime may not answer yet, and what is just being started can't be removed.
Task<Result<void>> remove_all_pods(Loop& loop, Cri& cri) {
  MonoTime limit = loop.mono() + kAnswerLimit;
  while (true) {
    Result<void> removed;
    Result<RuntimeList> list = co_await cri.list("");
    if (list) {
      removed = co_await remove_listed(cri, std::move(*list));
    } else {
      removed = list.error();
    }
    if (removed || loop.mono() > limit) co_return removed;
    (void)co_await sleep_for(loop, std::chrono::milliseconds(50));
  }
}

Task<void> drive(EpollLoop& loop, Cri& cri, Result<void>& out) {
  out = co_await remove_all_pods(loop, cri);
  co_await cri.stop();
  loop.stop();
}

Result<void> remove_pods(const Options& options) {
  EpollLoop loop;
  Cri cri(loop, containerd_paths(options).socket(), StopToken());
  Result<void> out;
  loop.post([&] { spawn(drive(loop, cri, out)); });
  loop.run();
  return out;
}

// Ends a process and waits for it.
void end_process(pid_t pid, int number) {
  Result<os::Fd> pidfd = os::open_pidfd(pid);
  if (!pidfd) return;
  (void)os::send_signal(*pidfd, number);
  if (os::wait_ended(*pidfd, kEndMs)) return;
  (void)os::send_signal(*pidfd, SIGKILL);
  (void)os::wait_ended(*pidfd, kEndMs);
}

Result<void> end_runtime(const Options& options) {
  ContainerdPaths paths = containerd_paths(options);
  if (!os::exists(paths.root()) && find_containerd(options) == 0) return {};
  Result<void> result = write_containerd_files(options);
  pid_t pid = find_containerd(options);
  std::optional<os::Process> own;
  if (result && pid == 0) {
    os::ProcessOptions process;
    process.arguments = {options.containerd_program, "--config", paths.config()};
    process.output_path = paths.log();
    process.new_session = true;
    Result<os::Process> started = os::Process::start(std::move(process));
    if (started) {
      own = std::move(*started);
      pid = own->pid();
    } else {
      result = started.error();
    }
  }
  if (pid != 0) {
    result = remove_pods(options);
    end_process(pid, SIGTERM);
    if (own) (void)own->poll();
  }
  for (const auto& [id, shim] : find_shims(paths.socket(), "")) end_process(shim, SIGKILL);
  return result;
}

// With everything that still runs in it.
Result<void> remove_cgroup(const os::Cgroups& groups, const std::string& path) {
  int64_t left = kEndMs;
  while (true) {
    Result<void> removed = groups.remove(path);
    if (removed || left <= 0) return removed;
    groups.kill_all(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(kLookAgainMs));
    left -= kLookAgainMs;
  }
}

void remove_cgroups(const Options& options, const std::vector<std::string>& uids,
                    Outcome& outcome) {
  Result<os::Cgroups> groups = os::Cgroups::detect();
  if (!groups) return;
  std::string base = options.cgroup_root + "/kubepods";
  for (const std::string& uid : uids) {
    for (const char* tier : {"", "/burstable", "/besteffort"}) {
      outcome.add(remove_cgroup(*groups, base + tier + "/pod" + uid));
    }
  }
  // The parents, if no other cluster on this machine uses them.
  for (const char* tier : {"/burstable", "/besteffort", ""}) {
    if (groups->children(base + tier).empty()) (void)groups->remove(base + tier);
  }
  if (!options.cgroup_root.empty() && groups->children(options.cgroup_root).empty()) {
    (void)groups->remove(options.cgroup_root);
  }
}

}  // namespace

Result<void> purge(Options options) {
  NodeKeeper::complete(options);
  ContainerdPaths paths = containerd_paths(options);
  Outcome outcome;
  Result<std::vector<std::string>> uids = os::list_dir(options.root_dir + "/pods");
  outcome.add(end_runtime(options));
  remove_cgroups(options, uids ? *uids : std::vector<std::string>(), outcome);
  outcome.add(os::unmount_below(options.root_dir));
  outcome.add(os::unmount_below(paths.folder));
  outcome.add(os::unmount_below(paths.state));
  outcome.add(remove_routes(options));
  outcome.add(remove_pod_network(options.bridge_name));
  for (const std::string& folder :
       {options.root_dir, options.pod_logs_dir, options.data_dir + "/log",
        options.data_dir + "/cni", paths.folder, paths.state}) {
    outcome.add(os::remove_tree(folder));
  }
  return outcome.result();
}

}  // namespace tiphys::kubelet
