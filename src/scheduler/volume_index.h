// VolumeIndex: claims, volumes, storage classes, capacities and CSI drivers as decisions look them
// up, with what the scheduler assumes about them between its decision and the API's confirmation.
//
// Changed in place, so that it costs what changed: pods without claims cost nothing. What lookups
// return lives until the next change. One thread; pure.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "scheduler/pod_info.h"
#include "scheduler/volume_plan.h"
#include "scheduler/volume_use.h"

namespace tiphys::scheduler {

class VolumeIndex {
 public:
  // An object came (old is null), changed, or is gone (now is null).
  void set_claim(const ObjectPtr& old, const ObjectPtr& now);
  void set_volume(const ObjectPtr& old, const ObjectPtr& now);
  void set_class(const ObjectPtr& old, const ObjectPtr& now);
  void set_capacity(const ObjectPtr& old, const ObjectPtr& now);
  void set_csi_driver(const ObjectPtr& old, const ObjectPtr& now);
  void set_csi_node(const ObjectPtr& old, const ObjectPtr& now);
  void set_attachment(const ObjectPtr& old, const ObjectPtr& now);
  // A pod came to the node (1) or left it (-1).
  void pod_moved(const PodInfo& pod, std::string_view node, int by);

  const Claim* claim(std::string_view key) const;               // null: none
  const Volume* volume(std::string_view name) const;            // null: none
  const StorageClass* find_class(std::string_view name) const;  // null: none
  // Volumes of a class by name.
  using Volumes = std::map<std::string, const Volume*>;
  // Those with is_free(); some may be assumed to be for a claim.
  const Volumes& free_volumes(std::string_view class_name) const;
  // Those that name the claim, or are assumed to be for it.
  Volumes volumes_for(const Claim& claim) const;
  // The claims that name the volume.
  std::vector<std::string> claims_on(std::string_view volume) const;
  // The driver says how much it can provision (CSIDriver.spec.storageCapacity).
  bool tracks_capacity(std::string_view driver) const { return trackers_.contains(driver); }
  std::vector<const StorageCapacity*> capacities(std::string_view class_name) const;
  // How many volumes of each driver the node can attach; null: any number.
  using Limits = std::map<std::string, int64_t, std::less<>>;
  const Limits* limits(std::string_view node) const;

  const VolumeUse& use() const { return use_; }
  // What the claim's volume is, or will be, to its CSI driver; nullopt: nothing that is counted.
  std::optional<AttachableVolume> attachable(const Claim& claim) const;

  // Later decisions see the plan as if it were done, until it is taken back.
  void assume(const VolumePlan& plan);
  void take_back(const VolumePlan& plan);
  bool is_assumed(const Volume& volume) const { return assumed_.contains(volume.name); }
  // Where the claim's volume is to be provisioned, by its annotation or as assumed; null: open.
  const std::string* selected_node(const Claim& claim) const;
  size_t assumptions() const { return assumed_.size() + selected_.size(); }

 private:
  template <class T>
  using ByName = std::map<std::string, T, std::less<>>;
  using Names = std::set<std::string, std::less<>>;
  struct Assumed {
    std::string to;  // the claim of a volume, the node of a claim
    int plans = 0;
  };
  struct Attachment {
    std::string node, driver, volume;
  };
  void refresh(std::string_view claim);
  void count_attachment(const std::string& name);
  void forget_volume(std::string_view name);

  ByName<Claim> claims_;     // by "namespace/name"
  ByName<Names> claims_on_;  // by volume
  ByName<Volume> volumes_;
  ByName<Volumes> free_;  // by class
  ByName<Names> naming_;  // volumes by claim
  ByName<StorageClass> classes_;
  ByName<StorageCapacity> capacities_;  // by "namespace/name"
  ByName<Names> capacities_of_;         // by class
  Names trackers_;
  ByName<Limits> limits_;  // by node
  ByName<Attachment> attachments_;
  ByName<Names> attachments_of_;  // by volume
  VolumeUse use_;
  ByName<Assumed> assumed_;   // volume -> claim
  ByName<Assumed> selected_;  // claim -> node
};

}  // namespace tiphys::scheduler
