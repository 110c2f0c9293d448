// ServerWorld: a whole API server process (src/main's wiring, embedded store in a folder of its
// own) that requests go to without a socket, and that can be stopped and opened again.
//
// Real time. Every call ends the test program after a minute without an end.
#pragma once
#include <memory>
#include <string>

#include "main/api_server_process.h"
#include "main/host.h"
#include "tests/cases/world.h"
#include "tests/suites/store/harness.h"

namespace tiphys::cases {

class ServerWorld : public World {
 public:
  // ranges: --service-cluster-ip-range.
  explicit ServerWorld(std::string ranges);
  ~ServerWorld() override;
  void restart() override;
  Reply send(net::Request request, std::function<bool(std::string_view)> enough = nullptr,
             Duration limit = std::chrono::seconds(10)) override;
  void pass(Duration time) override;
  MonoTime mono() const override;

 private:
  void start();
  void stop();
  template <class T>
  T run(Task<T> task);
  Task<Reply> exchange(net::Request request, std::function<bool(std::string_view)> enough,
                       Duration limit);

  std::string ranges_;
  tests::TemporaryDirectory folder_;
  Host host_;
  std::unique_ptr<ApiServerProcess> process_;
};

}  // namespace tiphys::cases
