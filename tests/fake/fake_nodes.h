// FakeNodes: the scheduler and the kubelets of a model cluster: pods are bound, run and become
// ready, and go away when deleted, each step after a delay. For tests only; works on the FakeApi's
// store directly, so that its writes don't count as writes of what is under test.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "client/informer.h"
#include "tests/fake/fake_api.h"

namespace tiphys::fake {

class FakeNodes {
 public:
  FakeNodes(Loop& loop, FakeApi& api, Random& random, std::vector<std::string> names);
  Task<void> stop();
  void set_delay(Duration delay) { delay_ = delay; }
  // Pods whose image contains this text never become ready.
  void set_broken_image(std::string image) { broken_image_ = std::move(image); }
  void hold(bool held);  // held: pods stay as they are

 private:
  void changed(const ObjectPtr& pod);
  void act(const std::string& ns, const std::string& name);
  ObjectPtr advanced(const Object& pod);

  Loop& loop_;
  FakeApi& api_;
  client::Client client_;
  client::InformerFactory informers_;
  std::vector<std::string> names_;
  Duration delay_ = std::chrono::milliseconds(200);
  std::string broken_image_ = "broken";
  bool held_ = false;
  size_t next_node_ = 0;
  int next_ip_ = 1;
  std::set<Loop::TimerId> timers_;
};

}  // namespace tiphys::fake
