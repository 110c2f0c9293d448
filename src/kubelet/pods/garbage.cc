#include "kubelet/pods/garbage.h"

#include <map>

#include "base/strings.h"

namespace tiphys::kubelet {
namespace {

bool is_newer(const SandboxRecord& a, const SandboxRecord& b) {
  return a.created != b.created ? a.created > b.created : a.attempt > b.attempt;
}

}  // namespace

std::vector<std::string> dead_sandboxes(const RuntimeList& list) {
  std::set<std::string> in_use;
  for (const ContainerRecord& c : list.containers) in_use.insert(c.sandbox_id);
  std::map<std::string, const SandboxRecord*> newest;  // by pod uid
  for (const SandboxRecord& s : list.sandboxes) {
    const SandboxRecord*& best = newest[s.pod_uid];
    if (!best || is_newer(s, *best)) best = &s;
  }
  std::vector<std::string> out;
  for (const SandboxRecord& s : list.sandboxes) {
    if (!s.ready && !in_use.contains(s.id) && newest[s.pod_uid] != &s) out.push_back(s.id);
  }
  return out;
}

// Neither a namespace nor a name nor a uid has an underscore.
std::string_view log_folder_uid(std::string_view folder) {
  std::vector<std::string_view> parts = split(folder, '_');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty()) return {};
  return parts[2];
}

std::vector<std::string> orphaned_log_folders(const std::vector<std::string>& folders,
                                              const std::set<std::string>& keep) {
  std::vector<std::string> out;
  for (const std::string& folder : folders) {
    std::string_view uid = log_folder_uid(folder);
    if (!uid.empty() && !keep.contains(std::string(uid))) out.push_back(folder);
  }
  return out;
}

}  // namespace tiphys::kubelet
