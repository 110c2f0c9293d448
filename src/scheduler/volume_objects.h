// Claims, volumes, storage classes and capacities as the scheduler compares them: API objects,
// taken apart once per version. Plain data; pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinds/storage_v1.h"
#include "scheduler/label_match.h"

namespace tiphys::scheduler {

inline constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";
inline constexpr std::string_view kBindCompleted = "pv.kubernetes.io/bind-completed";
inline constexpr std::string_view kBoundByController = "pv.kubernetes.io/bound-by-controller";

struct Claim {
  explicit Claim(ObjectPtr claim);

  ObjectPtr object;
  std::string key;  // "namespace/name"
  std::string uid;
  std::string class_name;   // "": none
  std::string volume_name;  // "": none yet
  bool bound = false;       // to volume_name, and the PV controller is done with it
  bool lost = false;
  bool deleting = false;
  std::optional<std::string> selected_node;  // where its volume is to be provisioned
  std::string controller_uid;
  std::optional<int64_t> requested;  // bytes
  std::vector<std::string> access_modes;
  std::string volume_mode;
  std::string attributes_class;
  std::optional<LabelMatch> selector;  // nullopt: every volume

  bool has_access_mode(std::string_view mode) const;
};

struct Volume {
  explicit Volume(ObjectPtr volume);

  ObjectPtr object;
  std::string name;
  std::string class_name;
  Labels labels;         // views into `object`
  int64_t capacity = 0;  // bytes
  std::vector<std::string> access_modes;
  std::string volume_mode;
  std::string attributes_class;
  bool available = false;  // phase Available
  bool deleting = false;
  std::string claim_key;  // of the claim that it names; "": none
  std::string claim_uid;  // "": any claim of that name
  bool has_terms = false;
  std::vector<NodeTerm> terms;  // ORed
  // A node label that every node it can be used from has: key and value, or "".
  std::string pin_key, pin_value;
  std::string driver, handle;  // of a CSI volume, or ""

  // Its node affinity. As upstream's, it looks at labels alone.
  bool usable_from(const Labels& node) const;
  // It can be had by a claim that it doesn't name.
  bool is_free() const { return available && !deleting && claim_key.empty(); }
  bool names(const Claim& claim) const {
    return claim_key == claim.key && (claim_uid.empty() || claim_uid == claim.uid);
  }
};

struct StorageClass {
  explicit StorageClass(const Object& storage_class);

  std::string name;
  std::string provisioner;
  bool waits_for_consumer = false;  // WaitForFirstConsumer
  bool restricted = false;          // has allowedTopologies
  std::vector<LabelMatch> topologies;

  bool provisions() const;
  bool allows(const Labels& node) const;
};

struct StorageCapacity {
  explicit StorageCapacity(const Object& capacity);

  std::string class_name;
  std::optional<int64_t> capacity;  // bytes
  std::optional<int64_t> limit;     // the largest volume it is good for
  std::optional<LabelMatch> nodes;  // nullopt: none
};

}  // namespace tiphys::scheduler
