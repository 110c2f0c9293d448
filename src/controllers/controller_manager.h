// ControllerManager: kube-controller-manager. Makes the controllers, starts and stops them together.
// Loop thread only.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "controllers/node_lifecycle.h"

namespace tiphys::controllers {

class ControllerManager {
 public:
  struct Options {
    std::string root_ca_pem;  // --root-ca-file: what kube-root-ca.crt holds; "": not published
    std::string cluster_cidr = "10.42.0.0/16";
    int node_cidr_mask_size = 24;
    bool allocate_node_cidrs = true;
    NodeLifecycle::Options node_lifecycle;
  };
  // Error: BadRequest for a --cluster-cidr that can't be used.
  static Result<std::unique_ptr<ControllerManager>> create(Loop& loop, client::Client& client,
                                                           Random& random, Options options);
  ~ControllerManager();  // Requires: stop() finished, or never started
  void start();
  Task<void> stop();
  // Nothing to do now (for tests).
  bool at_rest() const;

 private:
  ControllerManager(Loop& loop, client::Client& client, Random& random);
  void add(std::unique_ptr<Controller> controller) { controllers_.push_back(std::move(controller)); }

  client::InformerFactory informers_;
  client::EventRecorder events_;
  Context context_;
  std::vector<std::unique_ptr<Controller>> controllers_;
};

}  // namespace tiphys::controllers
