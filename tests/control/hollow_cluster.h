// HollowCluster: a cluster in processes of its own, on real time: kube-apiserver with a store on
// disk, kube-controller-manager and kube-scheduler over TLS, each with its certificate, and a
// process for each node (model_node.cc). Started anew for each case, it has node-1 and node-2, as
// SimCluster has. Its processes are killed when it goes.
//
// disturb() carries out:
//   up: NAME, down: NAME   a node's process is started, or killed (SIGKILL)
//   rest: DURATION         the controllers must write nothing for so long, but 3 s at the most
// restart() kills everything (SIGKILL) and starts it again on what the store holds.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "os/process.h"
#include "tests/control/live_world.h"
#include "tests/suites/store/harness.h"

namespace tiphys::control {

class HollowCluster : public cases::World {
 public:
  // `tiphys`: the program. What model_node.cc became stands beside the one that runs. Errors: what
  // does not come up, and what its processes said.
  static Result<std::unique_ptr<HollowCluster>> open(const std::string& tiphys);
  ~HollowCluster() override;

  cases::Reply send(net::Request request, std::function<bool(std::string_view)> enough = nullptr,
                    Duration limit = std::chrono::seconds(10)) override;
  void restart() override;
  void pass(Duration time) override { live_->pass(time); }
  MonoTime mono() const override { return live_->mono(); }
  bool is_real_time() const override { return true; }
  bool is_thrown_away() const override { return true; }
  Result<void> disturb(const Node& step) override;
  // The last lines of what each process said.
  std::string logs() const;

 private:
  explicit HollowCluster(std::string tiphys) : tiphys_(std::move(tiphys)) {}
  Result<void> start();
  Result<void> start_server();
  Result<void> start_controllers();
  Result<void> run(const std::string& name, std::vector<std::string> arguments);
  Result<void> run_node(const std::string& name);
  void kill(const std::string& name);
  void kill_all();
  Result<void> rest(Duration quiet);
  // Polls; error: it is not so after a while, or the API server has ended.
  Result<void> wait_until(const std::string& what, std::function<bool()> is_so);
  bool is_served();
  bool are_ready();
  // Of a user with a certificate in the API server's folder; its path.
  std::string kubeconfig(const std::string& user) const;
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }

  std::string tiphys_;
  tests::TemporaryDirectory folder_;
  std::string server_;                               // its URL
  std::map<std::string, os::Process> processes_;     // that run
  std::set<std::string> nodes_{"node-1", "node-2"};  // that are up
  std::unique_ptr<LiveWorld> live_;
};

}  // namespace tiphys::control
