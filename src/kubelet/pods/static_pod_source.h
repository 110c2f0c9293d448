// StaticPodSource: reads the static pods of a folder (or of one file), whenever something there
// changes, and now and then to be sure. After upstream's pkg/kubelet/config/file.go.
//
// Loop thread only; files are read on the pool. Files whose name begins with "." and folders are
// left out. A file that can't be read or is no valid pod is said in the log, once as long as it
// stays as it is; the others are not affected.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "async/pool.h"
#include "kubelet/options.h"
#include "kubelet/pods/static_pod.h"
#include "os/inotify.h"

namespace tiphys::kubelet {

class StaticPodSource {
 public:
  // All static pods there are now. Called once at least if the path is set, also if it isn't there.
  using Changed = std::function<void(std::vector<ObjectPtr>)>;
  StaticPodSource(EpollLoop& loop, WorkerPool& pool, const Options& options);
  ~StaticPodSource();  // Requires: stop() finished, or never started
  // Nothing happens if the path is "".
  void start(Changed changed);
  Task<void> stop();

 private:
  struct File {
    std::string name;
    Result<std::string> text;
  };
  static std::vector<File> read_files(const std::string& path);
  Task<void> run();
  void watch();
  void unwatch();
  std::vector<ObjectPtr> parse(const std::vector<File>& files);

  EpollLoop& loop_;
  WorkerPool& pool_;
  std::string path_;
  Duration period_;
  std::string node_name_;
  PodCheck check_;
  Changed changed_;
  Gate gate_;
  StopSource stop_;
  Event wake_;
  std::unique_ptr<os::Inotify> inotify_;
  bool lost_ = false;                            // the watched path is gone
  std::map<std::string, std::string> problems_;  // by file: what was said of it
};

}  // namespace tiphys::kubelet
