#include "scheduler/attached_volumes.h"

namespace tiphys::scheduler {
namespace {

// Adds to a counter; entries that come to nothing go. True if it was or became zero.
bool count_in(std::map<std::string, int, std::less<>>& counters, const std::string& key, int by) {
  int& counter = counters[key];
  bool edge = counter == 0;
  counter += by;
  if (counter != 0) return edge;
  counters.erase(key);
  return true;
}

}  // namespace

void AttachedVolumes::add(std::string_view node, const AttachableVolume& volume, int users) {
  auto at = nodes_.try_emplace(std::string(node)).first;
  OnNode& there = at->second;
  if (users != 0 && count_in(there.users, volume.id, users)) {
    count_in(there.volumes, volume.driver, users > 0 ? 1 : -1);
  }
  if (there.users.empty()) nodes_.erase(at);
}

const AttachedVolumes::OnNode* AttachedVolumes::find(std::string_view node) const {
  auto at = nodes_.find(node);
  return at == nodes_.end() ? nullptr : &at->second;
}

bool AttachedVolumes::has(std::string_view node, std::string_view id) const {
  const OnNode* there = find(node);
  return there != nullptr && there->users.contains(id);
}

int AttachedVolumes::count(std::string_view node, std::string_view driver) const {
  const OnNode* there = find(node);
  if (there == nullptr) return 0;
  auto at = there->volumes.find(driver);
  return at == there->volumes.end() ? 0 : at->second;
}

}  // namespace tiphys::scheduler
