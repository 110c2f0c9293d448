// VolumeUse: which placed pods use which claims, and which CSI volumes the nodes have attached for
// them or by VolumeAttachments. Kept incrementally. Pure; one thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "scheduler/attached_volumes.h"

namespace tiphys::scheduler {

class VolumeUse {
 public:
  using Attachable = std::optional<AttachableVolume>;

  // A pod that uses the claim came to the node (1) or left it (-1).
  void pod_moved(const std::string& claim, std::string_view node, int by);
  // What the claim's volume is to its CSI driver; nullopt: nothing that is counted. No effect on
  // claims that nobody uses.
  void set_volume(std::string_view claim, const Attachable& volume);
  // A VolumeAttachment by its name; nullopt: none, or nothing that is counted.
  void set_attachment(const std::string& name, std::string_view node, const Attachable& volume);

  int pods_using(std::string_view claim) const;
  bool is_used(std::string_view claim) const { return claims_.contains(claim); }
  // Calls `each(claim)` for all claims in use.
  template <class Each>
  void for_each_claim(Each each) const {
    for (const auto& [claim, use] : claims_) each(claim);
  }
  const AttachedVolumes& attached() const { return attached_; }

 private:
  struct ClaimUse {
    std::map<std::string, int, std::less<>> nodes;  // pods by node
    int pods = 0;
    Attachable volume;
  };
  struct Attachment {
    std::string node;
    AttachableVolume volume;
  };
  std::map<std::string, ClaimUse, std::less<>> claims_;
  std::map<std::string, Attachment, std::less<>> attachments_;  // by name
  AttachedVolumes attached_;
};

}  // namespace tiphys::scheduler
