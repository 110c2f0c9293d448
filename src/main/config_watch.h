// ConfigWatch: ends a process whose configuration file has got another content, so that whoever
// runs it starts it anew (as upstream's kube-proxy does). A file that is gone, or can't be read, is
// waited for. Loop thread only.
#pragma once
#include <memory>
#include <string>

#include "main/host.h"
#include "os/inotify.h"

namespace tiphys {

class ConfigWatch {
 public:
  // The host outlives it. Its folder is watched: files are replaced as well as written.
  ConfigWatch(Host& host, std::string file);
  ~ConfigWatch();
  ConfigWatch(const ConfigWatch&) = delete;
  ConfigWatch& operator=(const ConfigWatch&) = delete;

 private:
  void look();

  Host& host_;
  std::string file_;
  std::string known_;  // content
  std::unique_ptr<os::Inotify> folder_;
};

}  // namespace tiphys
