// LiveWorld: a cluster that runs elsewhere, reached over TLS as its kubeconfig says, by whom it
// says, or by whom the token of a request says. Real time.
#pragma once
#include <memory>
#include <string>

#include "async/epoll_loop.h"
#include "client/kubeconfig.h"
#include "net/client.h"
#include "tests/cases/world.h"

namespace tiphys::control {

class LiveWorld : public cases::World {
 public:
  // Error: the kubeconfig can't be used.
  static Result<std::unique_ptr<LiveWorld>> open(const std::string& kubeconfig);
  ~LiveWorld() override;
  cases::Reply send(net::Request request, std::function<bool(std::string_view)> enough = nullptr,
                    Duration limit = std::chrono::seconds(10)) override;
  void restart() override;
  void pass(Duration time) override;
  MonoTime mono() const override { return loop_.mono(); }
  bool is_real_time() const override { return true; }
  std::string prefix() const override;
  // `rest` is left out: others write here too.
  Result<void> disturb(const Node& step) override;

 private:
  LiveWorld() = default;
  template <class T>
  T run(Task<T> task);
  Task<cases::Reply> exchange(net::Client& client, net::Request request,
                              std::function<bool(std::string_view)> enough, Duration limit);

  mutable EpollLoop loop_;
  std::unique_ptr<net::Client> admin_;   // with the kubeconfig's certificate
  std::unique_ptr<net::Client> bearer_;  // without: a request's token says who asks
};

}  // namespace tiphys::control
