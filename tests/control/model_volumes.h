// ModelVolumes: the PV controller and a provisioner of a model cluster. For tests only; loop thread
// only.
//
//   claims without a storage class           get a volume at once
//   of a class of provisioner kProvisioner   too, or once a node is selected (WaitForFirstConsumer)
//   volumes that name no claim               become Available
//   claims that a volume names with its uid  are bound to it, whatever their class
//   volumes whose claim is gone              go too
// Claims of other classes are left to the test.
#pragma once
#include "async/gate.h"
#include "client/informer.h"

namespace tiphys::control {

class ModelVolumes {
 public:
  static constexpr std::string_view kProvisioner = "model.tiphys.io";

  // The pieces outlive it.
  ModelVolumes(Loop& loop, client::Client& client, Random& random);
  ~ModelVolumes();  // Requires: never started, or stop() finished
  void start();
  Task<void> stop();

 private:
  Task<void> work();
  Task<void> settle_volume(ObjectPtr volume);
  Task<void> settle_claim(ObjectPtr claim);
  Task<void> bind(ObjectPtr claim, ObjectPtr volume);
  bool is_to_be_made(const Object& claim) const;

  Loop& loop_;
  client::Client& client_;
  client::InformerFactory informers_;
  client::Informer& claims_;
  client::Informer& volumes_;
  client::Informer& classes_;
  Event changed_;
  Gate gate_;
  StopSource stop_;
};

}  // namespace tiphys::control
