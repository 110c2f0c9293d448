// TlsFiles: follows the files that a server's TLS is made of (tlsCertFile, tlsPrivateKeyFile,
// clientCAFile), so that new ones count without a restart: looks when something changes in their
// folders, and once a minute. Upstream: ReloadKubeletServerCertificateFile and apiserver's
// dynamiccertificates.
//
// Loop thread only; files are read on the pool.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/epoll_loop.h"
#include "async/gate.h"
#include "async/pool.h"
#include "os/inotify.h"

namespace tiphys::kubelet {

class TlsFiles {
 public:
  struct Paths {
    std::string certificate;  // "": none, as the others
    std::string key;
    std::string client_ca;
  };
  struct Contents {
    std::string certificate_pem;
    std::string key_pem;
    std::string client_ca_pem;
    bool operator==(const Contents&) const = default;
  };
  using Changed = std::function<void(const Contents&)>;

  TlsFiles(EpollLoop& loop, WorkerPool& pool)
      : loop_(loop), pool_(pool), gate_(loop), wake_(loop) {}
  // read: what they held when they were read first; changed: they hold something else by now.
  void start(Paths paths, Contents read, Changed changed);
  Task<void> stop();

 private:
  Task<void> run();
  void watch();
  void unwatch();

  EpollLoop& loop_;
  WorkerPool& pool_;
  Paths paths_;
  Contents read_;
  Changed changed_;
  std::vector<std::unique_ptr<os::Inotify>> folders_;
  bool lost_ = false;  // a folder went away: others may be in its place
  Gate gate_;
  StopSource stop_;
  Event wake_;
};

}  // namespace tiphys::kubelet
