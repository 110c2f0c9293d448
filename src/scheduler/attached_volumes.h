// AttachedVolumes: which CSI volumes each node has, counted by driver. A volume counts once however
// many pods of the node use it. Kept incrementally. Pure; one thread.
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace tiphys::scheduler {

// A CSI volume as drivers tell them apart.
struct AttachableVolume {
  std::string driver;
  std::string id;  // "driver/handle"
  bool operator==(const AttachableVolume&) const = default;
};

class AttachedVolumes {
 public:
  // `users` more (or, negative, fewer) of the volume on the node.
  void add(std::string_view node, const AttachableVolume& volume, int users);
  bool has(std::string_view node, std::string_view id) const;
  int count(std::string_view node, std::string_view driver) const;

 private:
  struct OnNode {
    std::map<std::string, int, std::less<>> users;    // by volume id
    std::map<std::string, int, std::less<>> volumes;  // by driver
  };
  const OnNode* find(std::string_view node) const;

  std::map<std::string, OnNode, std::less<>> nodes_;
};

}  // namespace tiphys::scheduler
