// Containerd: the node's own containerd, kept running, or one that is given by its socket.
//
// Loop thread only. containerd and its shims run in a session of their own and outlive this
// process: stop() leaves them running and the next start adopts them by pid file. When it dies it
// is started again with back-off (0.1 s to 10 s). Image tarballs in <data>/images are imported once
// each.
#pragma once
#include <functional>
#include <map>
#include <string>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "async/pool.h"
#include "kubelet/runtime/containerd_config.h"
#include "kubelet/runtime/runtime.h"
#include "os/process.h"

namespace tiphys::kubelet {

class Containerd {
 public:
  // `runtime` answers when containerd is up.
  Containerd(EpollLoop& loop, WorkerPool& pool, Runtime& runtime, Options options);
  ~Containerd();  // Requires: stop() finished, or never started
  static std::string socket_path(const Options& options);

  void start();
  Task<void> stop();
  bool ready() const { return ready_.is_set(); }
  // True once it answers and the images that lay there were imported; false if stopped first.
  Task<bool> wait_ready(StopToken stop);
  // Called (on the loop) each time it became ready or went away.
  void on_change(std::function<void(bool ready)> callback) { changed_ = std::move(callback); }
  // Why it isn't ready, for conditions and events.
  const std::string& problem() const { return problem_; }
  // Imports tarballs that came since. True: there was a new one.
  Task<bool> import_new_images();
  // Tarballs are imported again when an image is missed: some of theirs were removed.
  Task<void> forget_imports();

 private:
  Task<void> run();
  Task<Result<void>> ensure_process();
  Task<Result<void>> wait_answer();
  Task<void> tidy();
  void watch_shims();
  Task<void> reap_shims();
  Task<void> wait_end();
  Task<void> probe_forever();
  Task<bool> import_file(std::string path, std::string mark);
  void set_ready(bool ready, std::string problem);

  EpollLoop& loop_;
  WorkerPool& pool_;
  Runtime& runtime_;
  Options options_;
  ContainerdPaths paths_;
  bool own_;
  Gate gate_;
  StopSource stop_;
  Event ready_;
  Event ended_;
  std::optional<os::Process> child_;
  int reap_rounds_ = 0;     // still to come
  bool had_state_ = false;  // child_ took over what another had made
  os::Fd pidfd_;
  bool importing_ = false;
  std::string problem_ = "container runtime is starting";
  std::function<void(bool)> changed_;
};

// Files written before containerd starts: config.toml, the pause image's tarball. Blocks.
Result<void> write_containerd_files(const Options& options);
// The pid of a living containerd of this data folder, 0 if none. Blocks shortly.
pid_t find_containerd(const Options& options);
// The shims of the containerd with this socket and of this namespace of it ("": of all), by the id
// of their sandbox: they name all three on their command line. Blocks shortly: /proc.
std::map<std::string, pid_t> find_shims(const std::string& socket, std::string_view ns);

}  // namespace tiphys::kubelet
