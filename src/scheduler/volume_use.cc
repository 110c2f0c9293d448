#include "scheduler/volume_use.h"

namespace tiphys::scheduler {

void VolumeUse::pod_moved(const std::string& claim, std::string_view node, int by) {
  auto at = claims_.try_emplace(claim).first;
  ClaimUse& use = at->second;
  auto there = use.nodes.try_emplace(std::string(node), 0).first;
  there->second += by;
  use.pods += by;
  if (use.volume) attached_.add(node, *use.volume, by);
  if (there->second == 0) use.nodes.erase(there);
  if (use.nodes.empty()) claims_.erase(at);
}

void VolumeUse::set_volume(std::string_view claim, const Attachable& volume) {
  auto at = claims_.find(claim);
  if (at == claims_.end() || at->second.volume == volume) return;
  ClaimUse& use = at->second;
  for (const auto& [node, pods] : use.nodes) {
    if (use.volume) attached_.add(node, *use.volume, -pods);
    if (volume) attached_.add(node, *volume, pods);
  }
  use.volume = volume;
}

void VolumeUse::set_attachment(const std::string& name, std::string_view node,
                               const Attachable& volume) {
  auto at = attachments_.find(name);
  if (at != attachments_.end()) {
    attached_.add(at->second.node, at->second.volume, -1);
    attachments_.erase(at);
  }
  if (!volume) return;
  attached_.add(node, *volume, 1);
  attachments_.emplace(name, Attachment{std::string(node), *volume});
}

int VolumeUse::pods_using(std::string_view claim) const {
  auto at = claims_.find(claim);
  return at == claims_.end() ? 0 : at->second.pods;
}

}  // namespace tiphys::scheduler
